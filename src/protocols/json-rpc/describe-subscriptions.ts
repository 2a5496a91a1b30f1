/** Subscriptions as JSON Schemas: the methods that begin and end them, and the notifications that they send. */

import { type TObject, type TSchema, Type } from '@sinclair/typebox'
import { maxSubscriptions } from '../../contract/conversation.ts'
import { type Components, hoist, scopeSentence } from '../../contract/openapi.ts'
import type { Operation } from '../../contract/operation.ts'
import { givesEvents, inputOf, outputOf } from '../../contract/shape.ts'
import type { EventType } from '../../schemas/event.ts'
import { ownMethods, usualOperation } from './decode.ts'
import { errorMembers, type Method, problemSchema, requestSchema, resultSchema, version } from './describe.ts'
import { endNotice, eventNotice } from './encode.ts'

/** What a server sends unasked. */
export interface Notice {
  /** Of the message. */
  name: string
  summary: string
  payload: unknown
}

const Subscription = Type.String({ description: 'Names it, on this connection.', examples: ['1'] })
const Cursor = Type.String({ description: 'Where to go on from.', examples: ['0000000000000042'] })
const closed = { additionalProperties: false }
const told = (event: TSchema) => Type.Object({ subscription: Subscription, event }, closed)

export function describeSubscriptions(contract: ReadonlyMap<string, Operation>, components: Components): Method[] {
  const live = [...contract.values()].filter((operation) => operation.live)
  const [first, ...others] = live.map(paramsOf)
  if (first === undefined) return []
  const problems = new Set(live.flatMap((operation) => operation.problems))
  const method = (name: string, about: Pick<Method, 'summary' | 'description'>, params: TSchema, result: TSchema) => ({
    name,
    tag: 'subscriptions',
    ...about,
    operation: undefined,
    request: hoist(requestSchema(name, params), components),
    result: hoist(resultSchema(result), components),
  })
  const names = live.map(({ operationId }) => `\`${operationId}\``).join(', ')
  const scopes = new Set(live.flatMap(({ access }) => access?.scopes ?? []))
  const subscribe = {
    summary: 'Subscribe to what happens',
    description: `Notifications tell what happens from now on, or behind the cursor, of an operation that is live: ${names}. Who subscribes is checked as who calls, then and before anything is told. A connection has at most ${maxSubscriptions} subscriptions.${scopeSentence([...scopes])}`,
  }
  const unsubscribe = {
    summary: 'End a subscription',
    description: 'Nothing is told of it any more; `ended` is false where there was none.',
  }
  return [
    {
      ...method(
        ownMethods.subscribe,
        subscribe,
        others.length === 0 ? first : Type.Union([first, ...others]),
        Type.Object({ subscription: Subscription, cursor: Cursor }, closed),
      ),
      error: hoist(problemSchema([...problems, 'rate-limited']), components),
    },
    {
      ...method(
        ownMethods.unsubscribe,
        unsubscribe,
        Type.Object({ subscription: Subscription }, closed),
        Type.Object({ ended: Type.Boolean() }, closed),
      ),
      error: hoist(problemSchema(['validation-failed']), components),
    },
  ]
}

/** The input of the operation, but for how long its pages are, and its name where it is not the usual one. */
function paramsOf(operation: Operation): TObject {
  const { limit: _, ...properties } = inputOf(operation).properties
  const { operationId } = operation
  const name = Type.Literal(operationId, { description: 'What to subscribe to.' })
  return Type.Object({ operation: operationId === usualOperation ? Type.Optional(name) : name, ...properties }, closed)
}

/** Each kind of event with its own data; an item of an operation that tells of none as it is. */
export function describeNotices(
  contract: ReadonlyMap<string, Operation>,
  types: Iterable<EventType>,
  components: Components,
): Notice[] {
  const events = [...types].sort((a, b) => (a.type < b.type ? -1 : 1))
  const notices = [...contract.values()].flatMap((operation) => {
    const output = outputOf(operation)
    if (!operation.live || output.kind !== 'page') return []
    return givesEvents(operation)
      ? events.map((event) => eventOf(output.items as TObject, event))
      : itemOf(operation, output.items)
  })
  if (notices.length === 0) return []
  const end = Type.Object({ subscription: Subscription, cursor: Cursor, error: errorMembers }, closed)
  const ended = {
    name: endNotice,
    summary: 'A subscription has ended, and why',
    payload: noticeSchema(endNotice, end),
  }
  return [...notices, ended].map((notice) => ({ ...notice, payload: hoist(notice.payload, components) }))
}

function itemOf({ operationId, summary }: Operation, item: TSchema) {
  return { name: `${operationId}Item`, summary, payload: noticeSchema(eventNotice, told(item)) }
}

function eventOf(item: TObject, { type, data, scope, description }: EventType) {
  const { $id: _, description: __, ...members } = item
  const own = { ...item.properties, type: { ...item.properties.type, ...Type.Literal(type) }, data }
  const schema = { ...members, properties: own, description } as unknown as TSchema
  const summary = `${description}${scopeSentence([scope])}`
  return { name: type, summary, payload: noticeSchema(eventNotice, told(schema)) }
}

function noticeSchema(method: string, params: TSchema): TSchema {
  return Type.Object({ jsonrpc: version, method: Type.Literal(method), params })
}
