import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import { open } from '../../../../src/schemas/security.ts'

const Note = Type.Object(
  { owner: Type.Union([Type.Integer(), Type.Null()], { 'x-operation': 'getUser' }) },
  { $id: 'Note', additionalProperties: false },
)

/** Rows whose keys are as an old database may hold them: such as name nothing, and such as are none. */
const plugin: FastifyPluginAsyncTypebox = async (fastify) => {
  fastify.route({
    method: 'GET',
    url: '/notes',
    schema: {
      operationId: 'listNotes',
      summary: 'List notes',
      description: 'All notes.',
      tags: ['notes'],
      security: open,
      response: { 200: Type.Object({ notes: Type.Array(Note) }, { $id: 'Notes', additionalProperties: false }) },
    },
    handler: async () => ({ notes: [1, 0, 99, null, 2, 1].map((owner) => ({ owner })) }),
  })
}

export default plugin
