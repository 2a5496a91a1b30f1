/** E-mail addresses in any script (RFC 6531), kept as written and compared by their normal form. */

import { domainToASCII } from 'node:url'
import { Type } from '@sinclair/typebox'

/** An address as its owner writes it. `idn-email` is checked by {@link isEmail}. */
export const Email = Type.String({
  format: 'idn-email',
  maxLength: 254,
  description: 'E-mail address, in any script.',
  examples: ['mohamed@example.com'],
})

/** Control characters, spaces and the specials of RFC 5322 that an unquoted local part cannot hold. */
const local = /^[^\p{C}\p{Z}"(),:;<>@[\\\]]{1,64}$/u
const domain = /^(?!-)[a-z0-9-]{1,63}(?<!-)(\.(?!-)[a-z0-9-]{1,63}(?<!-))+$/

/** What `domainToASCII` would decode, cut off or strip instead of refusing it. */
const notInHost = /[\p{Cc}\p{Z}%/\\?#:@[\]<>^|]/u
/** Read by `domainToASCII` as an IPv4 address. */
const numericEnd = /(^|\.)\d+$/

/** Whether the text is one bare address: a dot-separated local part and a host name with at least two labels. */
export function isEmail(text: string): boolean {
  const at = text.lastIndexOf('@')
  const name = text.slice(0, at)
  const host = text.slice(at + 1)
  if (at < 1 || !local.test(name) || name.startsWith('.') || name.endsWith('.') || name.includes('..')) return false
  if (notInHost.test(host)) return false
  const ascii = asciiHost(host)
  return ascii.length <= 253 && domain.test(ascii) && !numericEnd.test(ascii)
}

/** Nothing to convert or to refuse: ASCII, with a last label that cannot be read as a number (`0x7f` can). */
const plainHost = /^[a-z0-9.-]+\.[a-z]+$/

/** The host as DNS knows it; most need no conversion. */
function asciiHost(host: string): string {
  const lower = host.toLowerCase()
  return plainHost.test(lower) ? lower : domainToASCII(host)
}

/** The form that decides whether two addresses are the same: NFC, lower case, host as ASCII. */
export function normaliseEmail(address: string): string {
  const at = address.lastIndexOf('@')
  const host = address.slice(at + 1)
  return `${fold(address.slice(0, at))}@${asciiHost(host)}`
}

const ascii = /^[\x20-\x7e]*$/

/** Lower case in NFC, so that a search ignores case and composition. A sigma is one letter, wherever it stands. */
export function fold(text: string): string {
  if (ascii.test(text)) return text.toLowerCase()
  return text.normalize('NFC').toLowerCase().normalize('NFC').replaceAll('ς', 'σ')
}
