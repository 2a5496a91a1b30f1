/** Addresses as mail gets them: one mailbox, and nothing that could be read as more (RFC 5322 section 3.4). */

import { domainToASCII } from 'node:url'
import { isEmail } from '../../schemas/email.ts'

export interface Mailbox {
  readonly name: string
  readonly address: string
}

/** `Septet <no-reply@example.com>`, `"Septet, Inc." <…>` or the address alone. */
const written = /^(?:"(?<quoted>[^"\\\p{C}]*)"|(?<plain>[^"\\<>,;:@()[\]\p{C}]*?)) *<(?<address>[^<>\s]+)>$/u

/** The mailbox that a setting names; nothing for any other text, and for two of them. */
export function mailboxOf(text: string): Mailbox | undefined {
  const { quoted, plain, address = text } = written.exec(text)?.groups ?? {}
  return isEmail(address) ? { name: quoted ?? plain ?? '', address: withAsciiHost(address) } : undefined
}

/**
 * The address to send to: its host as DNS knows it. Nothing for what is not one bare address: whoever writes headers and
 * commands of such a text, with a line break or a comma in it, sends the message to others as well.
 */
export function recipientOf(address: string): string | undefined {
  return isEmail(address) ? withAsciiHost(address) : undefined
}

/** Whether a server must know SMTPUTF8 to take it (RFC 6531). */
export function isInternational(address: string): boolean {
  return /[^\x20-\x7e]/.test(address)
}

export function hostOf(address: string): string {
  return address.slice(address.lastIndexOf('@') + 1)
}

function withAsciiHost(address: string): string {
  const at = address.lastIndexOf('@')
  return `${address.slice(0, at)}@${domainToASCII(address.slice(at + 1))}`
}
