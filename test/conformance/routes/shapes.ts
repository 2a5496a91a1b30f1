import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import { Problem } from '../../../src/errors.ts'
import { Enum } from '../../../src/schemas/enum.ts'
import { open } from '../../../src/schemas/security.ts'

const Nested = Type.Object(
  { label: Type.String(), deeper: Type.Optional(Type.Object({ on: Type.Boolean() }, { additionalProperties: false })) },
  { additionalProperties: false },
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
  small: Type.Integer({ minimum: -10, maximum: 10 }),
  large: Type.Integer({ minimum: Number.MIN_SAFE_INTEGER, maximum: Number.MAX_SAFE_INTEGER }),
  real: Type.Number(),
  flag: Type.Boolean(),
  moment: Type.String({ format: 'date-time' }),
  state: Enum(['open', 'closed']),
  list: Type.Array(Type.String()),
  nested: Nested,
  many: Type.Array(Nested),
  record: Type.Record(Type.String(), Type.Integer()),
  pet: Type.Union([Cat, Dog]),
  anything: Type.Unknown(),
}

export const Shapes = Type.Object(shapes, { $id: 'Shapes', additionalProperties: false })

const common = { tags: ['shapes'], security: open }
const Value = Type.Object({ value: Type.String() }, { $id: 'Value', additionalProperties: false })

/** Operations that need no storage: what comes in goes out, and each way to fail. */
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
    handler: async ({ body }) => ({ ...body, undeclared: 'never leaves' }),
  })

  const failing = (operationId: string, fail: () => Promise<never>, handlerTimeout?: number) =>
    fastify.route({
      method: 'GET',
      url: `/shapes/${operationId}`,
      schema: { operationId, summary: 'Fail', description: 'Fails.', ...common, response: { 200: Value } },
      handler: fail,
      ...(handlerTimeout !== undefined && { handlerTimeout }),
    })
  failing('failInternally', async () => {
    throw new Error('a secret cause')
  })
  failing('failUnavailable', async () => {
    throw new Problem('unavailable', 'Come back later', { headers: { 'retry-after': '3' } })
  })
  failing('failLimited', async () => {
    throw new Problem('rate-limited', 'Slow down', { headers: { 'retry-after': '7' } })
  })
  failing('failQuota', async () => {
    throw new Problem('quota-exceeded', 'The quota is used up')
  })
  failing('failLate', () => new Promise<never>(() => {}), 30)
}

export default plugin
