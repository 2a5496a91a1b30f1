import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import { Enum } from '../../../src/schemas/enum.ts'
import { pageHeaders, pageQuery } from '../../../src/schemas/page.ts'
import { open } from '../../../src/schemas/security.ts'

const Nested = Type.Object(
  { label: Type.String(), deeper: Type.Optional(Type.Object({ on: Type.Boolean() }, { additionalProperties: false })) },
  // A name that stands twice in one body.
  { $id: 'Nested', additionalProperties: false },
)
const Cat = Type.Object(
  { kind: Type.Literal('cat'), lives: Type.Integer({ minimum: 0, maximum: 9 }) },
  { $id: 'Cat', additionalProperties: false },
)
const Dog = Type.Object({ kind: Type.Literal('dog'), name: Type.String() }, { $id: 'Dog', additionalProperties: false })

/** A property of each shape that wires carry. */
const shapes = {
  text: Type.String(),
  maybe: Type.Union([Type.String(), Type.Null()]),
  optional: Type.Optional(Type.String()),
  spare: Type.Optional(Type.Union([Type.String(), Type.Null()])),
  small: Type.Integer({ minimum: -10, maximum: 10 }),
  int: Type.Integer({ minimum: -(2 ** 31), maximum: 2 ** 31 - 1 }),
  large: Type.Integer({ minimum: Number.MIN_SAFE_INTEGER, maximum: Number.MAX_SAFE_INTEGER }),
  real: Type.Number(),
  flag: Type.Boolean(),
  moment: Type.String({ format: 'date-time' }),
  state: Enum(['open', 'closed', 'half-open', '-state', '3']),
  list: Type.Array(Type.String()),
  nested: Nested,
  many: Type.Array(Nested),
  record: Type.Record(Type.String(), Type.Integer()),
  pet: Type.Union([Cat, Dog]),
  anything: Type.Unknown(),
}

const Shapes = Type.Object(
  { ...shapes, given: Type.Array(Type.String(), { description: 'Which of those that may be absent were there.' }) },
  { $id: 'Shapes', additionalProperties: false },
)
const Note = Type.Object(Nested.properties, { $id: 'Note', additionalProperties: false })
const texts = {
  text: Type.String({ maxLength: 200 }),
  long: Type.Optional(Type.String({ maxLength: 100_000 })),
  record: Type.Optional(Type.Record(Type.String(), Type.Integer())),
}
const inQuery = { inQuery: Type.Optional(Type.String()) }

const common = { tags: ['shapes'], security: open }
/** What no response schema declares. */
const undeclared = 'never leaves'
const notes = [{ label: '1' }, { label: '2', deeper: { on: true } }].map(hiding)

function hiding<Value extends { deeper?: object }>(value: Value) {
  return { ...value, ...(value.deeper && { deeper: { ...value.deeper, undeclared } }), undeclared }
}

/** Operations that need no storage: what comes in goes out. */
const plugin: FastifyPluginAsyncTypebox = async (fastify) => {
  fastify.route({
    method: 'POST',
    url: '/shapes',
    schema: {
      operationId: 'echoShapes',
      summary: 'Echo',
      description: 'Gives back what it got.',
      ...common,
      body: Type.Object(shapes, { additionalProperties: false }),
      response: { 200: Shapes },
    },
    handler: async ({ body }) => ({
      ...body,
      pet: { ...body.pet, undeclared },
      nested: hiding(body.nested),
      many: body.many.map(hiding),
      given: (['optional', 'spare'] as const).filter((name) => name in body),
      undeclared,
    }),
  })

  fastify.route({
    method: 'POST',
    url: '/texts',
    schema: {
      operationId: 'echoText',
      summary: 'Echo a text',
      description: 'Gives back what it got.',
      ...common,
      querystring: Type.Object(inQuery, { additionalProperties: false }),
      body: Type.Object(texts, { additionalProperties: false }),
      response: { 200: Type.Object({ ...texts, ...inQuery }, { $id: 'Texts', additionalProperties: false }) },
    },
    handler: async ({ body, query }) => ({ ...body, ...query }),
  })

  fastify.route({
    method: 'GET',
    url: '/notes',
    schema: {
      operationId: 'listNotes',
      summary: 'List notes',
      description: 'A page that is always the same.',
      ...common,
      querystring: Type.Object(pageQuery, { additionalProperties: false }),
      response: { 200: Type.Array(Note) },
      responseHeaders: { link: pageHeaders.link },
    },
    handler: (_request, reply) => reply.page({ items: notes, next: 'more' }),
  })

  fastify.route({
    method: 'GET',
    url: '/notes/count',
    schema: {
      operationId: 'countNotes',
      summary: 'Count notes',
      description: 'A number.',
      ...common,
      response: { 200: Type.Integer({ minimum: 0, maximum: 10 }) },
    },
    handler: async () => notes.length,
  })
}

export default plugin
