/** Reading the wire format of protobuf within bounds; protobufjs knows those of the whole buffer only. */

import { isUtf8 } from 'node:buffer'
import type { Reader } from 'protobufjs/minimal.js'
import { Problem } from '../../errors.ts'

/** Why bytes are no message. */
export function malformed(reason: string): Problem {
  return new Problem('malformed-request', `The message cannot be read: ${reason}`)
}

/** Where the value with a length that begins here ends. @throws {Problem} `malformed-request` beyond what is around it. */
export function enter(reader: Reader, end: number): number {
  const inner = reader.uint32() + reader.pos
  if (inner > end) throw malformed('it is cut off')
  return inner
}

/**
 * Reads fields up to the end.
 *
 * @param take Gets a tag, reads the field's value, and says whether it knows the field.
 * @throws {Problem} `malformed-request` for a field that is not known, or goes beyond the end.
 */
export function within(reader: Reader, end: number, take: (tag: number) => boolean): void {
  while (reader.pos < end) {
    const tag = reader.uint32()
    if (!take(tag)) throw malformed(`a field with the number ${tag >>> 3} has no place there, or not that type`)
  }
  leave(reader, end)
}

/** @throws {Problem} `malformed-request` when something has been read beyond the end. */
export function leave(reader: Reader, end: number): void {
  if (reader.pos !== end) throw malformed('it is cut off')
}

/** Well-formed UTF-8 only, as proto3 says. */
export function readText(reader: Reader, end: number): string {
  const to = enter(reader, end)
  const from = reader.pos
  const buffer = reader.buf as Buffer
  const text = buffer.toString('utf8', from, to)
  // Only what the decoder has replaced needs a second look.
  if (text.includes('\ufffd') && !isUtf8(buffer.subarray(from, to))) throw malformed('a text is not UTF-8')
  reader.pos = to
  return text
}
