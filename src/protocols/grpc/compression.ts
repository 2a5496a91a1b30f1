/** Message compression (grpc/doc/compression.md); what HTTP has for it concerns no message. */

import { promisify } from 'node:util'
import { constants, gunzip, gzip, inflate } from 'node:zlib'
import { ProtocolProblem, protocolCodes } from './errors.ts'
import { framed, type Message, prefixLength, tooLarge } from './messages.ts'

/** For `grpc-accept-encoding`. */
export const acceptedEncodings = 'identity,deflate,gzip'

/** Bytes below which a message is sent as it is: it would hardly be smaller, and never arrive earlier. */
const leastCompressed = 1024

/** Of what a client has said that is told again. */
const maxShown = 100

const decompressors = { gzip: promisify(gunzip), deflate: promisify(inflate) } as const
const compress = promisify(gzip)

/** @throws {ProtocolProblem} UNIMPLEMENTED for an encoding that is not known. */
export function checkEncoding(encoding: string | undefined): void {
  if (encoding === undefined || encoding === 'identity' || Object.hasOwn(decompressors, encoding)) return
  throw new ProtocolProblem(
    protocolCodes.unimplemented,
    `There is no compression ${encoding.slice(0, maxShown)}, but ${acceptedEncodings}`,
  )
}

/**
 * The bytes of a message that its sender has compressed.
 *
 * @param limit Bytes that they may be.
 * @throws {ProtocolProblem} INTERNAL for a message that cannot be decompressed, or does not say how.
 * @throws {Problem} `payload-too-large`
 */
export async function decompressed({ bytes }: Message, encoding: string | undefined, limit: number): Promise<Buffer> {
  if (encoding !== 'gzip' && encoding !== 'deflate')
    throw new ProtocolProblem(protocolCodes.internal, 'A message is compressed, and grpc-encoding does not say how')
  try {
    return await decompressors[encoding](bytes, { maxOutputLength: limit })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge(limit)
    throw new ProtocolProblem(protocolCodes.internal, `A message is no ${encoding}`)
  }
}

/** Whether the client of a call takes gzip (`grpc-accept-encoding`). */
export function takesGzip(accepted: string | undefined): boolean {
  return accepted !== undefined && /(?:^|,)\s*gzip\s*(?:,|$)/.test(accepted)
}

/** Whether a message with its prefix is worth compressing. */
export function isLong(frame: Uint8Array): boolean {
  return frame.length >= leastCompressed + prefixLength
}

/** What was compressed before: messages are kept, and compressing one costs more than the rest of its call. */
const known = new WeakMap<Uint8Array, Buffer>()

/** A message with its prefix, compressed. */
export async function gzipped(frame: Uint8Array): Promise<Buffer> {
  const before = known.get(frame)
  if (before !== undefined) return before
  const smaller = framed(await compress(frame.subarray(prefixLength), { level: constants.Z_BEST_SPEED }), true)
  known.set(frame, smaller)
  return smaller
}
