/** What a change of an AsyncAPI 3 document breaks for clients of its operations. */

import { breakingInSchema, type Direction, type JsonSchema } from './schema.ts'

interface Reference {
  $ref: string
}

interface Operation {
  /** `send` for what the server sends unasked. */
  action: 'receive' | 'send'
  channel: Reference
  messages: Reference[]
  reply?: { messages: Reference[] }
  security?: Reference[]
}

/** As far as it is compared. */
export interface AsyncApi {
  channels: Record<string, { address: string }>
  operations: Record<string, Operation>
  components: { messages: Record<string, { payload: JsonSchema }> }
}

/** In words, each beginning with the operation: `createUser: request.params.name is required now`. */
export function breakingInAsyncApi(before: AsyncApi, after: AsyncApi): string[] {
  const channels = Object.entries(before.channels).flatMap(([name, { address }]) => {
    const now = after.channels[name]?.address
    return now === address ? [] : [`the channel ${name} is at ${now ?? 'no address'} now, and was at ${address}`]
  })
  const operations = Object.entries(before.operations).flatMap(([name, operation]) => {
    const now = after.operations[name]
    if (now === undefined) return [`${name}: it is gone`]
    const messages = (direction: Direction, old: Reference[] = [], fresh: Reference[] = []) =>
      old.flatMap((reference) => inMessage({ before, after, direction }, name, reference, fresh))
    return [
      ...messages(operation.action === 'send' ? 'received' : 'sent', operation.messages, now.messages),
      ...messages('received', operation.reply?.messages, now.reply?.messages),
      ...narrowedSecurity(operation.security ?? [], now.security ?? []),
    ].map((words) => `${name}: ${words}`)
  })
  return [...channels, ...operations]
}

interface Documents {
  before: AsyncApi
  after: AsyncApi
  direction: Direction
}

function inMessage(documents: Documents, operation: string, reference: Reference, fresh: Reference[]): string[] {
  const name = lastOf(reference)
  // `createUserRequest` of createUser is its request.
  const at = name.startsWith(operation) ? name.slice(operation.length).toLowerCase() : name
  if (!fresh.some((each) => lastOf(each) === name)) return [`${at} is gone`]
  const [old, now] = [documents.before, documents.after].map(({ components }) => components.messages[name]?.payload)
  return breakingInSchema(documents, old ?? {}, now ?? {}, at)
}

function narrowedSecurity(before: Reference[], after: Reference[]): string[] {
  if (after.length === 0) return []
  if (before.length === 0) return ['it needs a credential now']
  const taken = new Set(after.map(lastOf))
  return before
    .map(lastOf)
    .filter((scheme) => !taken.has(scheme))
    .map((scheme) => `it no longer takes ${scheme}`)
}

function lastOf({ $ref }: Reference): string {
  return $ref.split('/').at(-1) ?? $ref
}
