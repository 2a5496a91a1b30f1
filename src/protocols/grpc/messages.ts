/** Length-Prefixed-Message: a flag, four bytes of length, and a message (gRPC over HTTP/2, "Requests"). */

import { Problem } from '../../errors.ts'
import { ProtocolProblem, protocolCodes } from './errors.ts'

export interface Message {
  bytes: Buffer
  /** As `grpc-encoding` says. */
  compressed: boolean
}

/** Bytes before each message. */
export const prefixLength = 5

/** Puts messages together from frames of HTTP/2, which may be cut anywhere. */
export class MessageReader {
  readonly #limit: number
  #parts: Buffer[] = []
  /** Bytes that have come and belong to no whole message. */
  #length = 0
  /** How many make the prefix, or the message with it once that is known. */
  #needed = prefixLength

  /** @param limit Bytes that a message may have. */
  constructor(limit: number) {
    this.#limit = limit
  }

  /**
   * Takes what has come.
   *
   * @returns The messages that are whole with it.
   * @throws {Problem} `payload-too-large` for a message that is larger than it may be, before it has come.
   * @throws {ProtocolProblem} INTERNAL for a flag that is none.
   */
  take(chunk: Buffer): Message[] {
    const messages: Message[] = []
    this.#parts.push(chunk)
    this.#length += chunk.length
    while (this.#length >= this.#needed) {
      const bytes = this.#joined()
      if (this.#needed === prefixLength) {
        const length = this.#lengthIn(bytes)
        this.#needed = prefixLength + length
        if (length > 0 && this.#length < this.#needed) break
      }
      messages.push({ bytes: bytes.subarray(prefixLength, this.#needed), compressed: bytes[0] === 1 })
      this.#leave(bytes)
    }
    return messages
  }

  /** Bytes that have come of a message that is not whole. */
  get size(): number {
    return this.#length
  }

  /** Whether a message has begun that is not whole. */
  get isInside(): boolean {
    return this.#length > 0
  }

  #joined(): Buffer {
    const [first = Buffer.alloc(0)] = this.#parts
    if (this.#parts.length === 1) return first
    const joined = Buffer.concat(this.#parts, this.#length)
    this.#parts = [joined]
    return joined
  }

  #lengthIn(bytes: Buffer): number {
    if ((bytes[0] as number) > 1)
      throw new ProtocolProblem(protocolCodes.internal, 'The prefix of a message has a flag that is none')
    const length = bytes.readUInt32BE(1)
    if (length > this.#limit) throw tooLarge(this.#limit)
    return length
  }

  #leave(bytes: Buffer): void {
    this.#length = bytes.length - this.#needed
    this.#parts = this.#length === 0 ? [] : [bytes.subarray(this.#needed)]
    this.#needed = prefixLength
  }
}

export function tooLarge(limit: number): Problem {
  return new Problem('payload-too-large', `A message has at most ${limit} bytes`)
}

/** A message with its prefix. */
export function framed(message: Uint8Array, compressed = false): Buffer {
  const frame = Buffer.allocUnsafe(prefixLength + message.length)
  frame.set(message, prefixLength)
  return prefixed(frame, compressed)
}

/** Writes the prefix into the room before a message. */
export function prefixed(frame: Buffer, compressed = false): Buffer {
  frame[0] = compressed ? 1 : 0
  frame.writeUInt32BE(frame.length - prefixLength, 1)
  return frame
}
