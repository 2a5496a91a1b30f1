/** The form of an API key, `spt_<id>_<secret><checksum>`: secret scanners know it, and a typing error is refused unread. */

import { randomBytes } from 'node:crypto'
import { crc32 } from 'node:zlib'

const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const idLength = 12
/** 190 bits. */
const secretLength = 32
const checksumLength = 6
const form = new RegExp(
  `^spt_([0-9A-Za-z]{${idLength}})_([0-9A-Za-z]{${secretLength}})([0-9A-Za-z]{${checksumLength}})$`,
)

export function newApiKeyId(): string {
  return randomText(idLength)
}

/** A new secret for this key. */
export function newApiKeyText(id: string): string {
  const body = `spt_${id}_${randomText(secretLength)}`
  return body + checksumOf(body)
}

/** The id of a well-formed key, which says nothing about whether it exists; nothing for any other text. */
export function apiKeyIdOf(text: string): string | undefined {
  const [, id, , checksum] = form.exec(text) ?? []
  return id !== undefined && checksumOf(text.slice(0, -checksumLength)) === checksum ? id : undefined
}

/** Whether the text was meant as an API key. */
export function looksLikeApiKey(text: string): boolean {
  return text.startsWith('spt_')
}

/** Uniform: bytes that would favour the first letters are thrown away. */
function randomText(length: number): string {
  let text = ''
  while (text.length < length) {
    for (const byte of randomBytes(length)) {
      if (byte < 248 && text.length < length) text += alphabet[byte % 62]
    }
  }
  return text
}

/** CRC-32 in base 62, padded to six. */
function checksumOf(text: string): string {
  let rest = crc32(text)
  let checksum = ''
  for (let digit = 0; digit < checksumLength; digit += 1) {
    checksum = alphabet[rest % 62] + checksum
    rest = Math.floor(rest / 62)
  }
  return checksum
}
