import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import { open } from '../../../../src/schemas/security.ts'

const closed = { additionalProperties: false }
const Cat = Type.Object(
  { kind: Type.Literal('cat'), lives: Type.Integer({ minimum: 0, maximum: 9 }) },
  { $id: 'HouseCat', ...closed },
)
const Dog = Type.Object({ kind: Type.Literal('dog'), name: Type.String() }, { $id: 'HouseDog', ...closed })
const Pets = Type.Object(
  { pet: Type.Union([Cat, Dog]), others: Type.Optional(Type.Array(Type.Union([Cat, Dog]))) },
  closed,
)

/** A union in the input, and in a list of it. */
const plugin: FastifyPluginAsyncTypebox = async (fastify) => {
  fastify.route({
    method: 'POST',
    url: '/pets',
    schema: {
      operationId: 'echoPets',
      summary: 'Echo',
      description: 'Gives back what it got.',
      tags: ['pets'],
      security: open,
      body: Pets,
      response: { 200: Type.Object(Pets.properties, { $id: 'Pets', ...closed }) },
    },
    handler: async ({ body }) => body,
  })
}

export default plugin
