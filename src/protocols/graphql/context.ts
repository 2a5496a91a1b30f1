/** What the resolvers of one request share: who calls, and what REST says in headers. */

import type { OutgoingHttpHeaders } from 'node:http'
import type { GraphQLResolveInfo } from 'graphql'
import type { Dispatch, Outcome, Peer } from '../../contract/call.ts'
import type { Operation } from '../../contract/operation.ts'
import { nextCursorOf, type Output } from '../../contract/shape.ts'
import { renderShown } from '../../contract/shown-headers.ts'
import { openStream, parsedOf, type Stream } from '../../contract/stream.ts'
import { Problem } from '../../errors.ts'
import { errorOf } from './errors.ts'
import { Loads, type Target } from './loads.ts'
import { Rendered } from './rendered.ts'

/** A field of a root. */
export interface RootCall {
  operation: Operation
  output: Output
  input: Readonly<Record<string, unknown>>
  /** Its name in the response. */
  field: string | number
  changes: boolean
  as: 'text' | 'value'
}

export class GraphQLContext {
  readonly #dispatch: Dispatch
  readonly #peer: Peer
  readonly #signal: () => AbortSignal
  #mutations = 0
  #loads: Loads | undefined
  #followed: Map<string, Promise<unknown>> | undefined
  /** What REST says in headers: members of a JSON object, by the name of the field in the response. */
  meta = ''

  constructor(dispatch: Dispatch, peer: Peer, signal: () => AbortSignal) {
    this.#dispatch = dispatch
    this.#peer = peer
    this.#signal = signal
  }

  /** Runs the operation of a field. @throws {GraphQLError} */
  call({ operation, output, input, field, changes, as }: RootCall): Promise<unknown> {
    const peer = changes ? this.#nextPeer() : this.#peer
    return this.#dispatch({ operation, input: { ...input }, peer, signal: this.#signal, as }).then((outcome) => {
      this.#note(field, outcome.headers)
      return as === 'text' ? renderedOf(outcome, output) : answerOf(outcome, output)
    }, rethrow)
  }

  /** What a key names; null for what is not there, or for no key. @throws {GraphQLError} */
  load(target: Target, key: unknown, info: GraphQLResolveInfo): Promise<unknown> | null {
    if (key === null || key === undefined) return null
    this.#loads ??= new Loads((operation, input) => this.#run(operation, input).then(({ value }) => value))
    return this.#loads.load(target, key, info).catch(rethrow)
  }

  /** What an operation answers for a row; the same input is asked for once. @throws {GraphQLError} */
  follow(operation: Operation, output: Output, input: Record<string, unknown>): Promise<unknown> {
    const name = `${operation.operationId} ${JSON.stringify(input)}`
    this.#followed ??= new Map()
    const known = this.#followed.get(name)
    if (known !== undefined) return known
    const following = this.#run(operation, input).then((outcome) => answerOf(outcome, output), rethrow)
    this.#followed.set(name, following)
    return following
  }

  /** What an operation tells from now on, item by item. @throws {GraphQLError} */
  async listen(operation: Operation, input: Record<string, unknown>): Promise<AsyncGenerator<unknown, void>> {
    const call = { operation, input: { ...input }, peer: this.#peer, signal: this.#signal }
    const stream = await openStream(this.#dispatch, call).catch(rethrow)
    return itemsOf(stream, this.#signal())
  }

  #run(operation: Operation, input: Record<string, unknown>): Promise<Outcome> {
    return this.#dispatch({ operation, input, peer: this.#peer, signal: this.#signal, as: 'value' })
  }

  /** One key stands for one change: those behind the first of a document have its number behind it, the same at each repeat. */
  #nextPeer(): Peer {
    const key = this.#peer.headers['idempotency-key']
    this.#mutations += 1
    if (key === undefined || this.#mutations === 1) return this.#peer
    return { ...this.#peer, headers: { ...this.#peer.headers, 'idempotency-key': `${String(key)}:${this.#mutations}` } }
  }

  #note(field: string | number, headers: Readonly<OutgoingHttpHeaders>): void {
    const shown = renderShown(headers)
    // Text from the start: an object by names that clients invent would have to be guarded, and be rendered all the same.
    if (shown !== '') this.meta += `${this.meta && ','}${JSON.stringify(field)}:{${shown}}`
  }
}

function answerOf({ headers, value }: Outcome, { kind }: Output): unknown {
  if (kind === 'nothing') return true
  return kind === 'page' ? { items: value, nextCursor: nextCursorOf(headers.link) ?? null } : value
}

function renderedOf({ headers, text }: Outcome, { kind }: Output): Rendered | null {
  if (text === undefined) return null
  if (kind !== 'page') return new Rendered(text)
  return new Rendered(`{"items":${text},"nextCursor":${JSON.stringify(nextCursorOf(headers.link) ?? null)}}`)
}

/** Ends with the signal: in silence where who listens has ended it, else with the reason. */
async function* itemsOf(stream: Stream, signal: AbortSignal): AsyncGenerator<unknown, void> {
  try {
    for await (const { items } of stream.parts(signal)) for (const item of items) yield parsedOf(item)
  } catch (error) {
    rethrow(error)
  }
  if (signal.reason instanceof Problem) rethrow(signal.reason)
}

function rethrow(error: unknown): never {
  throw errorOf(error)
}
