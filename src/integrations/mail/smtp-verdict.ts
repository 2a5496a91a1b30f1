/** What a failed attempt says: of the address, of the message, or of nothing that lasts (RFC 5321 section 4.2, RFC 3463). */

import { reasonOf, type Sent } from './message.ts'

/** An error of nodemailer, as far as it is read here. */
export interface SmtpFailure extends Error {
  code?: string
  /** The command that was answered: `RCPT TO`, `DATA`. */
  command?: string
  response?: string
  responseCode?: number
}

/** Of a class 5 reply that asks for other settings than ours: credentials, TLS, or to be let in (RFC 4954 section 6). */
const ofSettings = new Set([530, 534, 535, 538])
/** What an enhanced status says of the mailbox for the time being: it is full (RFC 3463 section 3.3). */
const full = '5.2.2'

export function verdictOf({ code, command, response, responseCode: status, message }: SmtpFailure): Sent {
  const said = reasonOf(response ?? message)
  const later = (error: string): Sent => ({ as: 'later', status, error })
  if (code === 'ETLS') return later(`TLS with the mail server failed: ${said}`)
  if (status === undefined) return later(`The mail server could not be used: ${said}`)
  if (status < 500) return later(`The mail server says to try later: ${said}`)
  const [, enhanced = ''] = /^\d{3}[ -](\d\.\d{1,3}\.\d{1,3})\b/.exec(response ?? '') ?? []
  if (code === 'EAUTH' || ofSettings.has(status)) return later(`The mail server refuses the credentials: ${said}`)
  if (command === 'DATA') return { as: 'refused', of: 'message', status, error: `The message was refused: ${said}` }
  // Until a recipient was named, whatever was refused is not the recipient.
  if (command !== 'RCPT TO') return later(`The mail server refuses this sender: ${said}`)
  // 5.7: a matter of policy, such as relaying that is not allowed (RFC 3463 section 3.8).
  if (enhanced.startsWith('5.7.')) return later(`The mail server refuses to deliver for this sender: ${said}`)
  if (status === 552 || enhanced === full) return later(`The mailbox is full: ${said}`)
  return { as: 'refused', of: 'address', status, error: `The address was refused: ${said}` }
}
