import { Readable } from 'node:stream'
import rateLimit from '@fastify/rate-limit'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import type { FastifyInstance, RouteHandlerMethod, RouteShorthandOptions } from 'fastify'
import { Problem } from '../../../src/errors.ts'
import { open, requires } from '../../../src/schemas/security.ts'

/** Order of the hooks of each request that sends `x-trace`. */
export const trace: string[] = []

const Thing = Type.Object({ name: Type.String(), at: Type.Optional(Type.String()) }, { additionalProperties: false })

/** Operations that have run a handler of `things`, and with which name. */
export const ran: string[] = []

function add(
  fastify: FastifyInstance,
  operationId: string,
  handler: RouteHandlerMethod,
  { schema, ...more }: RouteShorthandOptions & { schema?: object } = {},
  method: 'GET' | 'POST' = 'GET',
): void {
  fastify.route({
    method,
    url: `/kinds/${operationId}`,
    schema: {
      operationId,
      summary: operationId,
      description: operationId,
      tags: ['kinds'],
      security: open,
      response: { 200: Thing },
      ...schema,
    },
    handler,
    ...more,
  })
}

/** A route of each kind that Fastify knows: what it answers, by which way, and how it fails. */
const plugin: FastifyPluginAsyncTypebox = async (fastify) => {
  const text = { schema: { response: { 200: Type.String() } } }
  add(fastify, 'object', async () => ({ name: 'Zoë', secret: 'not declared' }))
  add(fastify, 'date', async () => ({ name: 'a', at: new Date(0) }))
  add(fastify, 'sent', (_request, reply) => reply.send({ name: 'sent' }))
  add(fastify, 'sentLater', (_request, reply) => {
    setImmediate(() => reply.header('x-own', 'yes').send({ name: 'later' }))
  })
  add(fastify, 'text', async () => 'plain text', text)
  add(fastify, 'emptyText', async () => '', text)
  add(fastify, 'jsonText', async (_request, reply) => reply.type('application/json').send('{"name":"as text"}'))
  add(fastify, 'buffer', async (_request, reply) => reply.type('application/json').send(Buffer.from('{"name":"ö"}')))
  add(fastify, 'stream', async (_request, reply) =>
    reply.type('application/json').send(Readable.from(['{"na', Buffer.from('me":"s"}')])),
  )
  add(fastify, 'longStream', async (_request, reply) =>
    reply.type('application/json').send(Readable.from([`{"name":"${'x'.repeat(300_000)}"}`])),
  )
  add(fastify, 'webStream', async (_request, reply) =>
    reply.type('application/json').send(new Response('{"name":"w"}').body),
  )
  add(
    fastify,
    'response',
    async () => new Response('{"name":"r"}', { headers: { 'content-type': 'application/json' } }),
  )
  add(fastify, 'typedArray', async (_request, reply) =>
    reply.type('application/json').send(new Uint8Array(Buffer.from('{"name":"u"}'))),
  )
  add(fastify, 'generated', async (_request, reply) =>
    reply.type('application/json').send(
      Readable.from(
        (async function* () {
          yield '{"name":'
          await new Promise((resolve) => setImmediate(resolve))
          yield '"g"}'
        })(),
      ),
    ),
  )
  add(fastify, 'withTrailer', async (_request, reply) => {
    reply.trailer('x-checksum', async () => 'abc')
    return { name: 'with trailer' }
  })
  add(fastify, 'early', async (_request, reply) => {
    reply.raw.writeEarlyHints({ link: '</style.css>; rel=preload' })
    return { name: 'after hints' }
  })
  add(fastify, 'headOfOwn', async (_request, reply) => {
    reply.hijack()
    reply.raw.setHeader('x-set', 'before')
    reply.raw.writeHead(200, ['content-type', 'application/json', 'x-list', 'yes'])
    reply.raw.end(Buffer.from('{"name":"raw"}'))
    return reply
  })
  add(
    fastify,
    'responseOfStatus',
    async () =>
      new Response('{"name":"r"}', {
        status: 200,
        headers: { 'content-type': 'application/json', 'x-own': 'of response' },
      }),
  )
  add(fastify, 'unchanged', async (_request, reply) => reply.code(304).send())
  add(fastify, 'notFoundHere', (_request, reply) => reply.callNotFound())
  add(fastify, 'rejectsNothing', () => Promise.reject(undefined))
  add(fastify, 'throwsText', async () => {
    throw 'a secret cause'
  })
  add(fastify, 'tracedFailure', () => Promise.reject(new Error('x')), {
    ...hooks,
    onError: async () => {
      note('onError')
    },
  })
  add(fastify, 'nothing', async (_request, reply) => reply.code(204).send(), {
    schema: { response: { 204: Type.Null() } },
  })
  add(fastify, 'nil', async () => null, { schema: { response: { 200: Type.Null() } } })
  add(fastify, 'cookies', async (_request, reply) => {
    reply.header('set-cookie', ['a=1', 'b=2'])
    return { name: 'c' }
  })
  add(fastify, 'moved', async (_request, reply) => reply.redirect('/elsewhere', 303))
  add(fastify, 'hijacked', async (_request, reply) => {
    reply.hijack()
    reply.raw.writeHead(200, { 'content-type': 'application/json' })
    reply.raw.write('{"name":')
    reply.raw.end('"h"}')
    return reply
  })
  add(fastify, 'ownSerializer', async (_request, reply) =>
    reply
      .type('application/json')
      .serializer(() => '{"name":"own"}')
      .send({ name: 'other' }),
  )
  add(fastify, 'problem', async () => {
    throw new Problem('rate-limited', 'Slow down', { headers: { 'retry-after': '7' } })
  })
  add(fastify, 'thrown', async () => {
    throw new Error('a secret cause')
  })
  add(fastify, 'thrownStatus', async () => {
    throw Object.assign(new Error('no tea'), { statusCode: 418 })
  })
  add(fastify, 'streamFailed', async (_request, reply) =>
    reply.send(
      new Readable({
        read() {
          this.destroy(new Error('broken'))
        },
      }),
    ),
  )
  add(fastify, 'streamCutOff', async (_request, reply) =>
    reply.type('application/json').send(
      Readable.from(
        (function* () {
          yield '{"na'
          throw new Error('a secret cause')
        })(),
      ),
    ),
  )
  add(fastify, 'webStreamCutOff', async (_request, reply) =>
    reply.type('application/json').send(
      new ReadableStream({
        start: (controller) => controller.enqueue(Buffer.from('{"na')),
        pull: () => Promise.reject(new Error('a secret cause')),
      }),
    ),
  )
  add(fastify, 'endless', async (_request, reply) => {
    endless.stream = new Readable({ read() {} })
    endless.stream.push('{"na')
    return reply.type('application/json').send(endless.stream)
  })
  add(fastify, 'tooLong', async (_request, reply) => {
    const piece = 'x'.repeat(1_048_576)
    return reply.type('application/json').send(
      Readable.from(
        (function* () {
          for (;;) yield piece
        })(),
      ),
    )
  })
  const fails = (name: string) => async () => {
    throw new Error(`a secret cause in ${name}`)
  }
  const failsLater =
    (name: string) => (_request: unknown, _reply: unknown, _payload: unknown, done: (e: Error) => void) =>
      void setImmediate(() => done(new Error(`a secret cause in ${name}`)))
  for (const name of ['onRequest', 'preParsing', 'preValidation', 'preHandler', 'preSerialization', 'onSend']) {
    add(fastify, `${name}Fails`, async () => ({ name: 'never' }), { [name]: fails(name) })
  }
  add(fastify, 'onSendFailsLater', async () => ({ name: 'never' }), { onSend: failsLater('onSend') })
  add(fastify, 'onSendFailsWithText', async () => ({ name: 'never' }), {
    onSend: () => Promise.reject('a secret cause in onSend'),
  })
  add(fastify, 'onSendFailsOnFailure', notFound, { onSend: fails('onSend') })
  add(fastify, 'preSerializationFailsOnFailure', notFound, { preSerialization: fails('preSerialization') })
  add(fastify, 'onSendRefuses', async () => ({ name: 'never' }), {
    onSend: async (_request, reply, payload) => {
      if (reply.statusCode === 200) throw new Problem('quota-exceeded', 'The quota is used up')
      return payload
    },
  })
  add(fastify, 'notSerializable', async () => ({ at: 'the name is missing' }) as never)
  add(fastify, 'slow', async () => new Promise(() => {}), { handlerTimeout: 50 })
  add(fastify, 'refusedByHook', async () => ({ name: 'never' }), {
    preHandler: async (_request, reply) => reply.code(403).send({ name: 'hook' }),
  })
  add(fastify, 'rewritten', async () => ({ name: 'before' }), {
    preSerialization: async (_request, _reply, payload) => ({ ...(payload as object), at: 'serialization' }),
    onSend: async (_request, _reply, payload) => String(payload).replace('before', 'after'),
  })
  add(fastify, 'guarded', async () => ({ name: 'never' }), { schema: { security: requires('kinds:see') } })
  add(fastify, 'traced', async () => ({ name: 't' }), hooks)
  const body = { body: Type.Object({ name: Type.String() }, { additionalProperties: false }) }
  add(fastify, 'echo', async ({ body }) => body, { schema: body }, 'POST')

  const things = (operationId: string, url: string, more: object) =>
    fastify.route<{ Params: { name?: string } }>({
      method: 'GET',
      url: `/kinds/things/${url}`,
      schema: {
        operationId,
        summary: operationId,
        description: operationId,
        tags: ['kinds'],
        security: open,
        response: { 200: Thing },
        ...more,
      },
      onRequest: async ({ params }) => {
        ran.push(`${operationId} onRequest ${params.name}`)
      },
      handler: async ({ url, params }) => {
        ran.push(`${operationId} handler ${params.name}`)
        return { name: params.name ?? operationId, at: url }
      },
    })
  things('getThing', ':name', { params: Type.Object({ name: Type.String() }, { additionalProperties: false }) })
  things('getOwnThing', 'own', {})
  things('getPart', ':name/parts', { params: Type.Object({ name: Type.String() }, { additionalProperties: false }) })
  // The names by which calls could be led; hidden routes count too.
  for (const url of ['-', '~', ':other(^_$)']) things('hidden', url, { hide: true })
  things('hidden', '*', { hide: true })

  await fastify.register(async (inner) => {
    inner.setErrorHandler((_error, _request, reply) => reply.code(409).send({ own: 'error handler' }))
    add(inner, 'ownErrors', async () => {
      throw new Error('x')
    })
  })
  await fastify.register(async (inner) => {
    await inner.register(rateLimit, { max: 2, timeWindow: 60_000 })
    add(inner, 'limited', async () => ({ name: 'l' }))
  })
}

/** What `endless` answers with. */
export const endless: { stream?: Readable } = {}

async function notFound(): Promise<never> {
  throw new Problem('not-found', 'Nothing here')
}

const note = (name: string) => trace.push(name)
const hooks: RouteShorthandOptions = {
  onRequest: (_request, _reply, done) => {
    note('onRequest')
    done()
  },
  preParsing: (_request, _reply, payload, done) => {
    note('preParsing')
    done(null, payload)
  },
  preValidation: async () => {
    note('preValidation')
  },
  preHandler: async () => {
    note('preHandler')
  },
  preSerialization: async (_request, _reply, payload) => {
    note('preSerialization')
    return payload
  },
  onSend: async (_request, _reply, payload) => {
    note('onSend')
    return payload
  },
  onResponse: async () => {
    note('onResponse')
  },
}

export default plugin
