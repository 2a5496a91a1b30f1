/** Results as a stream of `text/event-stream`: the protocol of graphql-sse, in its mode of distinct connections. */

import { GraphQLError } from 'graphql'
import type { HttpAnswer } from '../../contract/http-end.ts'
import { eventStreamHeaders, signOfLife } from '../../contract/server-sent.ts'
import { type Executed, textOf } from './encode.ts'
import { errorOf } from './errors.ts'

/** Tells each result as it comes, and the error that ends them; then that there are no more. */
export function answerWithStream(results: AsyncIterable<Executed> | Iterable<Executed>): HttpAnswer {
  const { 'content-type': type, ...headers } = eventStreamHeaders
  return { status: 200, type, headers, text: signOfLife, events: eventsOf(results) }
}

async function* eventsOf(results: AsyncIterable<Executed> | Iterable<Executed>): AsyncGenerator<string, void> {
  try {
    for await (const result of results) yield eventOf(result)
  } catch (error) {
    yield eventOf({ result: { errors: [error instanceof GraphQLError ? error : errorOf(error)] }, meta: '' })
  }
  yield 'event: complete\ndata:\n\n'
}

function eventOf(executed: Executed): string {
  return `event: next\ndata: ${textOf(executed)}\n\n`
}
