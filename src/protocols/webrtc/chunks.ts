/**
 * Messages too long for one of a data channel, as binary ones that hold a part each: the number of the message (32 bits),
 * the index of the part and how many there are (16 bits each), big-endian, then bytes of its UTF-8. Parts may come in any
 * order, and between those of others.
 */

import { isUtf8 } from 'node:buffer'

const headerLength = 8
/** Bytes that each part but the last holds at least: what is kept of a part costs more than a few. */
export const leastPart = 1000
/** Messages that may be incomplete at once. */
export const maxIncomplete = 16

export type Fault = 'malformed' | 'too-big' | 'no-utf-8'

/** What was sent cannot be put together. */
export class ChunkError extends Error {
  override readonly name = 'ChunkError'
  readonly fault: Fault

  constructor(fault: Fault, message: string) {
    super(message)
    this.fault = fault
  }
}

/** The parts of a text. `longest` is that of a part with its header, in bytes. */
export function* chunksOf(text: Buffer, message: number, longest: number): Generator<Buffer, void> {
  const length = longest - headerLength
  const count = Math.ceil(text.length / length)
  for (let index = 0; index < count; index += 1) {
    const part = text.subarray(index * length, (index + 1) * length)
    const chunk = Buffer.allocUnsafe(headerLength + part.length)
    chunk.writeUInt32BE(message % 2 ** 32, 0)
    chunk.writeUInt16BE(index, 4)
    chunk.writeUInt16BE(count, 6)
    part.copy(chunk, headerLength)
    yield chunk
  }
}

interface Incomplete {
  readonly count: number
  /** By their index. */
  readonly parts: Map<number, Buffer>
  length: number
  /** When its last part came, in ms. */
  at: number
}

export class Assembly {
  /** Bytes of all that is incomplete. */
  readonly #maxLength: number
  readonly #incomplete = new Map<number, Incomplete>()
  #length = 0

  constructor(maxLength: number) {
    this.#maxLength = maxLength
  }

  /** Messages that lack parts. */
  get size(): number {
    return this.#incomplete.size
  }

  /** Whether a message waits for a part since then, in ms. */
  waitsSince(time: number): boolean {
    for (const { at } of this.#incomplete.values()) if (at < time) return true
    return false
  }

  /**
   * Takes a part, and gives the message that it completes. `now` in ms.
   *
   * @throws {ChunkError}
   */
  take(chunk: Buffer, now: number): string | undefined {
    if (chunk.length <= headerLength) throw new ChunkError('malformed', 'a chunk has a header and a part')
    const message = chunk.readUInt32BE(0)
    const index = chunk.readUInt16BE(4)
    const count = chunk.readUInt16BE(6)
    const part = chunk.subarray(headerLength)
    if (index < count - 1 && part.length < leastPart) throw new ChunkError('malformed', `a part has ${leastPart} bytes`)
    const known = this.#incomplete.get(message) ?? this.#begin(message, count, now)
    if (known.count !== count || index >= count || known.parts.has(index))
      throw new ChunkError('malformed', 'each part of a message comes once')
    known.parts.set(index, part)
    known.length += part.length
    known.at = now
    this.#length += part.length
    if (this.#length > this.#maxLength) throw new ChunkError('too-big', 'the message is too big')
    if (known.parts.size < count) return undefined
    this.#incomplete.delete(message)
    this.#length -= known.length
    const parts = Array.from({ length: count }, (_, at) => known.parts.get(at) as Buffer)
    const whole = Buffer.concat(parts, known.length)
    if (!isUtf8(whole)) throw new ChunkError('no-utf-8', 'messages are UTF-8')
    return whole.toString()
  }

  #begin(message: number, count: number, now: number): Incomplete {
    if (this.#incomplete.size >= maxIncomplete) throw new ChunkError('malformed', 'too many messages are incomplete')
    const begun: Incomplete = { count, parts: new Map(), length: 0, at: now }
    this.#incomplete.set(message, begun)
    return begun
  }
}
