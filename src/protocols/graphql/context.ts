/** What the resolvers of one request share: who calls, and what REST says in headers. */

import type { OutgoingHttpHeaders } from 'node:http'
import type { Dispatch, Peer } from '../../contract/call.ts'
import type { Operation } from '../../contract/operation.ts'
import { nextCursorOf, type Output } from '../../contract/shape.ts'
import { Problem } from '../../errors.ts'
import { errorOf } from './errors.ts'

/** Response headers that a caller can use off HTTP. */
const shown = ['etag', 'location', 'x-total-count', 'preference-applied', 'idempotent-replayed', 'ratelimit'] as const

export class GraphQLContext {
  readonly #dispatch: Dispatch
  readonly #peer: Peer
  readonly #signal: () => AbortSignal
  #mutations = 0
  /** What was asked for in this request, by operation and key: no key is asked for twice. */
  #loads: Map<Operation, Map<unknown, Promise<unknown>>> | undefined
  /** By the name of the field in the response. */
  meta: Record<string, Record<string, string>> | undefined

  constructor(dispatch: Dispatch, peer: Peer, signal: () => AbortSignal) {
    this.#dispatch = dispatch
    this.#peer = peer
    this.#signal = signal
  }

  /** Runs the operation of a field. @throws {GraphQLError} */
  call(operation: Operation, output: Output, input: Record<string, unknown>, field: string | number, changes: boolean) {
    const peer = changes ? this.#nextPeer() : this.#peer
    return this.#dispatch({ operation, input: { ...input }, peer, signal: this.#signal, as: 'value' }).then(
      ({ headers, value }) => {
        this.#note(field, headers)
        if (output.kind === 'nothing') return true
        return output.kind === 'page' ? { items: value, nextCursor: nextCursorOf(headers.link) ?? null } : value
      },
      (error: unknown) => {
        throw errorOf(error)
      },
    )
  }

  /** What a key names, by the operation that gets it; null for what is not there, or for no key. @throws {GraphQLError} */
  load(operation: Operation, parameter: string, key: unknown): Promise<unknown> | null {
    if (key === null || key === undefined) return null
    this.#loads ??= new Map()
    let ofOperation = this.#loads.get(operation)
    if (ofOperation === undefined) {
      ofOperation = new Map()
      this.#loads.set(operation, ofOperation)
    }
    const known = ofOperation.get(key)
    if (known !== undefined) return known
    const call = {
      operation,
      input: { [parameter]: key },
      peer: this.#peer,
      signal: this.#signal,
      as: 'value',
    } as const
    const loading = this.#dispatch(call).then(
      ({ value }) => value,
      (error: unknown) => {
        if (error instanceof Problem && error.code === 'not-found') return null
        throw errorOf(error)
      },
    )
    ofOperation.set(key, loading)
    return loading
  }

  /** One key stands for one change: those behind the first of a document have its number behind it, the same at each repeat. */
  #nextPeer(): Peer {
    const key = this.#peer.headers['idempotency-key']
    this.#mutations += 1
    if (key === undefined || this.#mutations === 1) return this.#peer
    return { ...this.#peer, headers: { ...this.#peer.headers, 'idempotency-key': `${String(key)}:${this.#mutations}` } }
  }

  #note(field: string | number, headers: Readonly<OutgoingHttpHeaders>): void {
    for (const name of shown) {
      const value = headers[name]
      if (value === undefined) continue
      // Clients name the fields: `__proto__` and `toString` must find nothing here.
      this.meta ??= Object.create(null) as Record<string, Record<string, string>>
      this.meta[field] ??= Object.create(null) as Record<string, string>
      ;(this.meta[field] as Record<string, string>)[name] = String(value)
    }
  }
}
