/** gRPC by @grpc/grpc-js; messages are made by protobufjs from what `/contracts/service.proto` says. */

import { Client, credentials, Metadata, type ServiceError } from '@grpc/grpc-js'
import { type Headers, type Input, metaNames, problemOf, type Result, type Wire } from './client.ts'
import { Messages } from './grpc-messages.ts'

export const grpc: Wire = {
  name: 'gRPC',
  unsaid: [
    [/^null where it may not be|^null in /, 'a field that cannot be null has no null'],
    [/^a property that may be null, and is missing/, 'a field that may be null is null without a value'],
    [/^a (list|record) with a wrong|in the place of|as text$|as number$|not whole/, 'a field has one type'],
    [/^a whole number (beyond|below) 32 bits|beyond 64 bits/, 'a number has as many bits as its field'],
    [/^a name of a record that is ill-formed|that is a text$/, 'a field has one type'],
    [/^a member of no union$/, 'the members of a oneof are those that there are'],
    [/^a nested property that is missing|without what it needs/, 'what is missing is 0, false or empty'],
    [/^no identifier$|^a missing property$/, 'what is missing is 0, false or empty, and judged as such'],
    [/^text with (half a pair|the other half)$/, 'half a pair of surrogates has no UTF-8'],
  ],
  differences: [
    {
      reason: 'path, query and body are one message: where in a request something is wrong is not said',
      normalise: ({ problem, ...rest }) => ({
        ...rest,
        ...(problem && {
          problem: { ...problem, violations: (problem.violations ?? []).map(({ in: _, ...more }) => more) },
        }),
      }),
    },
    {
      reason: 'a property that is null is absent',
      normalise: (result) => ({ ...result, value: without(result.value, (_name, value) => value === null) }),
    },
    {
      reason: 'a text that never differs is not sent: which member of a union it is says the field that is set',
      normalise: (result) => ({
        ...result,
        value: without(result.value, (name, value) => name === 'kind' && ['cat', 'dog'].includes(String(value))),
      }),
    },
    {
      reason: 'a moment is a Timestamp, and not the text that it was written as',
      normalise: (result) => ({
        ...result,
        value: JSON.parse(
          JSON.stringify(result.value ?? null).replaceAll(
            /"\d{4}-\d\d-\d\dT[^"]+"/g,
            (text) => `"${new Date(text.slice(1, -1)).toISOString()}"`,
          ),
        ),
      }),
    },
  ],
  async open(t, base) {
    const messages = new Messages(await (await fetch(`${base}/contracts/service.proto`)).text())
    const client = new Client(new URL(base).host, credentials.createInsecure())
    t.teardown(() => client.close())
    return {
      call: (operationId, input = {}, headers = {}) => call(client, messages, operationId, input, headers),
    }
  },
}

function call(
  client: Client,
  messages: Messages,
  operationId: string,
  input: Input,
  headers: Headers,
): Promise<Result> {
  const { path, encode, decode } = messages.method(operationId)
  const sent = new Metadata()
  for (const [name, value] of Object.entries(headers)) sent.set(name, value)
  return new Promise((resolve) => {
    let meta: Result['meta'] = {}
    const answered = (error: ServiceError | null, answer?: { value: unknown }) => {
      if (error === null) resolve({ value: answer?.value, meta })
      else resolve({ problem: problemIn(error, messages), meta: metaOf(error.metadata) })
    }
    const stream = client.makeUnaryRequest(path, encode, decode, input, sent, answered)
    stream.on('metadata', (received: Metadata) => {
      meta = metaOf(received)
    })
  })
}

function metaOf(metadata: Metadata): Result['meta'] {
  const all = metadata.getMap()
  return Object.fromEntries(metaNames.flatMap((name) => (name in all ? [[name, String(all[name])]] : [])))
}

function problemIn(error: ServiceError, messages: Messages): NonNullable<Result['problem']> {
  const [bytes] = error.metadata.get('grpc-status-details-bin')
  if (!Buffer.isBuffer(bytes)) throw error
  const { code, status, requestId, violations } = messages.details(bytes)
  const errors = violations.map(({ field, description: detail }) => ({ pointer: messages.pointerOf(field), detail }))
  return problemOf({ code, status, requestId, detail: error.details, errors })
}

function without(value: unknown, drops: (name: string, value: unknown) => boolean): unknown {
  if (Array.isArray(value)) return value.map((each) => without(each, drops))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, each]) => (drops(name, each) ? [] : [[name, without(each, drops)] as const])),
  )
}
