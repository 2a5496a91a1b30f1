/** A call that is answered with a stream of messages, to one message or to a stream of them. */

import { once } from 'node:events'
import type { Peer } from '../../contract/call.ts'
import { problemOf } from '../../contract/problem-of.ts'
import { Problem } from '../../errors.ts'
import { Cancellation } from './cancellation.ts'
import { decompressed, gzipped, isLong } from './compression.ts'
import { statusOf } from './errors.ts'
import { framed, MessageReader } from './messages.ts'
import type { Begun } from './request.ts'
import { isOver, sendHead, sendStatus, sendTrailers } from './responses.ts'
import { type CallSettings, cutOff, notOne } from './unary-call.ts'
import type { Waiting } from './waits.ts'

export interface Streaming {
  /** Whether the client sends one message, which has the time of a request to arrive. */
  takesOne: boolean
  /**
   * What answers the messages of a call. The signal aborts when the call is cancelled, its time is over, its connection
   * is gone, or the server stops: what the iterable waits for must end then.
   */
  answers: (messages: AsyncIterable<Buffer>, peer: Peer, signal: AbortSignal) => AsyncIterable<Uint8Array>
}

/** A method that answers one message with a stream. */
export function toOne(
  answers: (message: Buffer, peer: Peer, signal: AbortSignal) => AsyncIterable<Uint8Array>,
): Streaming {
  return {
    takesOne: true,
    async *answers(messages, peer, signal) {
      let only: Buffer | undefined
      for await (const message of messages) {
        if (only !== undefined) throw notOne()
        only = message
      }
      if (only === undefined) throw notOne()
      yield* answers(only, peer, signal)
    },
  }
}

export class StreamingCall implements Waiting {
  readonly #begun: Begun
  readonly #settings: CallSettings
  readonly #cancellation: Cancellation
  #hasEnded = false

  constructor(begun: Begun, settings: CallSettings) {
    this.#begun = begun
    this.#settings = settings
    this.#cancellation = new Cancellation(begun.stream, begun.deadline)
  }

  /** Sends what the method gives, as fast as the client takes it. Never rejects. */
  async run({ takesOne, answers }: Streaming): Promise<void> {
    const { stream, peer } = this.#begun
    const { signal } = this.#cancellation
    if (takesOne) this.#settings.waits.forMessage(this)
    const messages = answers(this.#messages(), peer, signal)[Symbol.asyncIterator]()
    signal.addEventListener('abort', () => {
      messages.return?.()?.catch(() => {})
      if (signal.reason instanceof Problem) this.#end(signal.reason)
    })
    // A client may wait for headers; one that is refused at once gets an answer without a message.
    const opening = setImmediate(() => this.#open())
    try {
      for (let next = await messages.next(); !next.done && !isOver(stream); next = await messages.next())
        await this.#send(next.value)
      this.#end()
    } catch (error) {
      this.#fail(problemOf(error))
    } finally {
      clearImmediate(opening)
      this.#settings.waits.forget(this)
    }
  }

  get deadline(): number {
    return this.#begun.deadline
  }

  get isOver(): boolean {
    return this.#hasEnded || isOver(this.#begun.stream)
  }

  /** Ends the call, whatever it waits for. */
  refuse(problem: Problem): void {
    this.#cancellation.abort(problem)
  }

  /** A stream waits for its client without an end. */
  cutOff(): void {}

  /** The end of its messages does. */
  letGo(): void {}

  async *#messages(): AsyncGenerator<Buffer> {
    const { stream, encoding } = this.#begun
    const { held, maxMessage } = this.#settings
    const reader = new MessageReader(maxMessage)
    let holds = 0
    try {
      for await (const chunk of stream.iterator({ destroyOnReturn: false })) {
        holds += (chunk as Buffer).length
        held.add((chunk as Buffer).length)
        for (const message of reader.take(chunk as Buffer))
          yield message.compressed ? await decompressed(message, encoding, maxMessage) : message.bytes
        held.letGo(holds - reader.size)
        holds = reader.size
      }
    } finally {
      held.letGo(holds)
    }
    this.#settings.waits.forget(this)
    if (reader.isInside) throw cutOff()
  }

  #open(): void {
    const { stream, takesGzip } = this.#begun
    if (!isOver(stream) && !stream.headersSent && !this.#hasEnded) sendHead(stream, takesGzip)
  }

  async #send(message: Uint8Array): Promise<void> {
    const { stream, takesGzip } = this.#begun
    const plain = framed(message)
    const frame = takesGzip && isLong(plain) ? await gzipped(plain) : plain
    if (isOver(stream) || this.#hasEnded) return
    this.#open()
    if (!stream.write(frame)) await once(stream, 'drain', { signal: this.#cancellation.signal })
  }

  #fail(problem: Problem): void {
    if (problem.code === 'internal' && !this.isOver) this.#settings.onFault(problem.cause ?? problem)
    this.#end(problem)
  }

  #end(problem?: Problem): void {
    const { stream } = this.#begun
    if (this.#hasEnded || isOver(stream)) return
    // An answer of no messages has headers too.
    if (problem === undefined) this.#open()
    this.#hasEnded = true
    this.#settings.waits.forget(this)
    this.#cancellation.settle()
    const status = problem && statusOf(problem)
    if (status === undefined || stream.headersSent) sendTrailers(stream, status)
    else sendStatus(stream, status)
  }
}
