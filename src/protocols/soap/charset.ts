/** Bytes of a message as text (RFC 7303 section 3). */

import { isUtf8 } from 'node:buffer'
import { Problem } from '../../errors.ts'

export interface Decoded {
  text: string
  /** What the document may say that it is written in. */
  encodings: readonly string[]
}

/**
 * Reads bytes as the byte order mark says, or the media type, else as UTF-8.
 *
 * @throws {Problem} `unsupported-media-type`, `malformed-request`
 */
export function decodeText(bytes: Buffer, charset: string | undefined): Decoded {
  const name = encodingOf(bytes, charset?.toLowerCase())
  if (name === undefined)
    throw new Problem('unsupported-media-type', 'A message is written in UTF-8 or UTF-16 (WS-I Basic Profile R1012)')
  if (name === 'utf-8' && !isUtf8(bytes)) throw new Problem('malformed-request', 'The message is not valid UTF-8')
  return { text: name === 'utf-8' ? bytes.toString() : utf16(bytes, name), encodings: encodings[name] }
}

const encodings: Readonly<Record<'utf-8' | 'utf-16le' | 'utf-16be', readonly string[]>> = {
  'utf-8': ['utf-8', 'utf8', 'us-ascii'],
  'utf-16le': ['utf-16', 'utf-16le'],
  'utf-16be': ['utf-16', 'utf-16be'],
}

function encodingOf(bytes: Buffer, charset: string | undefined): keyof typeof encodings | undefined {
  const [first, second] = bytes
  if (first === 0xff && second === 0xfe) return 'utf-16le'
  if (first === 0xfe && second === 0xff) return 'utf-16be'
  if (charset === undefined) return 'utf-8'
  if (charset === 'utf-16') return 'utf-16be'
  return (Object.keys(encodings) as (keyof typeof encodings)[]).find((name) => encodings[name].includes(charset))
}

function utf16(bytes: Buffer, encoding: string): string {
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes)
  } catch {
    throw new Problem('malformed-request', 'The message is not valid UTF-16')
  }
}
