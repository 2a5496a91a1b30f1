/** A call of one message that is answered with one. */

import { constants } from 'node:http2'
import type { Peer } from '../../contract/call.ts'
import { problemOf } from '../../contract/problem-of.ts'
import type { Problem } from '../../errors.ts'
import { Cancellation } from './cancellation.ts'
import { decompressed, gzipped, isLong } from './compression.ts'
import { ProtocolProblem, protocolCodes, statusOf } from './errors.ts'
import type { Metadata } from './headers.ts'
import type { Held } from './held.ts'
import type { Answer, Succeeded } from './index.ts'
import { type Message, MessageReader } from './messages.ts'
import type { Begun } from './request.ts'
import { isOver, sendMessage, sendStatus } from './responses.ts'
import { timeIsOver } from './timeout.ts'
import type { Waiting, Waits } from './waits.ts'

/** What answers a message. Never rejects. */
export type Unary = (message: Buffer, peer: Peer, signal: () => AbortSignal) => Promise<Answer>

export interface CallSettings {
  waits: Waits
  /** Bytes in one message, as it is and decompressed. */
  maxMessage: number
  /** Gets what no answer tells of. */
  onFault: (error: unknown) => void
  /** Of the connection. */
  held: Held
}

export class UnaryCall implements Waiting {
  readonly #begun: Begun
  readonly #method: Unary
  readonly #settings: CallSettings
  readonly #reader: MessageReader
  #message: Message | undefined
  /** Bytes that have come, until the method has them. */
  #held = 0
  #cancellation: Cancellation | undefined

  constructor(begun: Begun, method: Unary, settings: CallSettings) {
    this.#begun = begun
    this.#method = method
    this.#settings = settings
    this.#reader = new MessageReader(settings.maxMessage)
  }

  begin(): void {
    this.#settings.waits.forMessage(this)
    this.#begun.stream.on('data', (chunk: Buffer) => this.#take(chunk)).on('end', () => this.#end())
  }

  get deadline(): number {
    return this.#begun.deadline
  }

  get isOver(): boolean {
    return isOver(this.#begun.stream)
  }

  letGo(): void {
    this.#settings.held.letGo(this.#held)
    this.#held = 0
  }

  refuse(problem: Problem): void {
    this.#settings.waits.forget(this)
    this.letGo()
    const { stream } = this.#begun
    if (!isOver(stream) && !stream.headersSent) sendStatus(stream, statusOf(problem))
  }

  cutOff(): void {
    this.#begun.stream.close(constants.NGHTTP2_CANCEL)
  }

  #take(chunk: Buffer): void {
    if (this.#begun.stream.headersSent) return
    this.#held += chunk.length
    try {
      this.#settings.held.add(chunk.length)
      for (const message of this.#reader.take(chunk)) {
        if (this.#message !== undefined) throw notOne()
        this.#message = message
      }
    } catch (error) {
      this.refuse(problemOf(error))
    }
  }

  #end(): void {
    const { stream, encoding } = this.#begun
    if (isOver(stream) || stream.headersSent) return
    this.#settings.waits.forget(this)
    this.letGo()
    if (this.#reader.isInside) this.refuse(cutOff())
    else if (this.#message === undefined) this.refuse(notOne())
    else if (this.#message.compressed) this.#decompress(this.#message, encoding)
    else this.#run(this.#message.bytes)
  }

  #decompress(message: Message, encoding: string | undefined): void {
    decompressed(message, encoding, this.#settings.maxMessage).then(
      (bytes) => this.#run(bytes),
      (error: unknown) => this.refuse(problemOf(error)),
    )
  }

  #run(message: Buffer): void {
    const { stream, peer, deadline } = this.#begun
    if (isOver(stream)) return
    if (deadline !== Number.POSITIVE_INFINITY && deadline <= performance.now()) {
      this.refuse(timeIsOver())
      return
    }
    const signal = () => {
      this.#cancellation ??= new Cancellation(stream, deadline)
      return this.#cancellation.signal
    }
    this.#method(message, peer, signal)
      .then((answer) => this.#answer(answer))
      .catch((error: Error) => {
        this.#settings.onFault(error)
        stream.destroy(error)
      })
  }

  #answer(answer: Answer): void | Promise<void> {
    const { stream, takesGzip } = this.#begun
    this.#cancellation?.settle()
    if (isOver(stream)) return
    const { metadata } = answer
    if ('status' in answer) sendStatus(stream, answer.status, metadata)
    else if (takesGzip && isLong(answer.frame)) return this.#answerCompressed(answer)
    else this.#sendMessage(answer.frame, false, metadata)
  }

  async #answerCompressed({ frame, metadata }: Succeeded): Promise<void> {
    const smaller = await gzipped(frame)
    if (!this.isOver) this.#sendMessage(smaller, true, metadata)
  }

  #sendMessage(frame: Buffer, compressed: boolean, metadata: Metadata | undefined): void {
    const { waits } = this.#settings
    waits.forTaking(this)
    sendMessage(this.#begun.stream, frame, compressed, metadata, () => waits.forget(this))
  }
}

/** Of a call with no message, or several, to a method of one (grpc/doc/statuscodes.md, "cardinality violation"). */
export function notOne(): ProtocolProblem {
  return new ProtocolProblem(protocolCodes.unimplemented, 'The method takes one message')
}

/** Of a message that the end of its stream has interrupted. */
export function cutOff(): ProtocolProblem {
  return new ProtocolProblem(protocolCodes.internal, 'The message is cut off')
}
