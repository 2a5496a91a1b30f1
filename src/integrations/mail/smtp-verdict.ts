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
/**
 * What asks for other settings, or lasts for a time: the sender (5.1.7, 5.1.8), the server and its limits (5.3, 5.4), our
 * commands (5.5), and policy such as relaying or DMARC (5.7), whatever command it answers (RFC 3463 section 3).
 */
const ofSender = /^5\.(?:[457]\.\d+|1\.[78]|3\.(?!4$)\d+)$/
/** There is no such mailbox, or it is closed. */
const ofAddress = /^5\.(?:1\.\d+|2\.1)$/
const full = '5.2.2'
/** Of a reply without an enhanced status: it is the recipient or the message that is refused (RFC 5321 section 4.2.3). */
const ofMessage = new Set([550, 551, 552, 553, 554])
const relaying = /\brelay/i

export function verdictOf({ code, command, response, responseCode: status, message }: SmtpFailure): Sent {
  const said = reasonOf(response ?? message)
  const later = (error: string): Sent => ({ as: 'later', status, error: `${error}: ${said}` })
  const refused = (of: 'address' | 'message', error: string): Sent => ({
    as: 'refused',
    of,
    status,
    error: `${error}: ${said}`,
  })
  if (code === 'ETLS') return later('TLS with the mail server failed')
  if (status === undefined) return later('The mail server could not be used')
  if (status < 500) return later('The mail server says to try later')
  if (code === 'EAUTH' || ofSettings.has(status)) return later('The mail server refuses the credentials')
  // Until a recipient was named, whatever was refused is not the recipient.
  if (command !== 'RCPT TO' && command !== 'DATA') return later('The mail server refuses this sender')
  const [, enhanced] = /^\d{3}[ -](\d\.\d{1,3}\.\d{1,3})\b/.exec(response ?? '') ?? []
  const isOfSender = enhanced === undefined ? !ofMessage.has(status) || relaying.test(said) : ofSender.test(enhanced)
  if (isOfSender) return later('The mail server refuses to deliver for this sender')
  if (enhanced === full || (enhanced === undefined && status === 552 && command === 'RCPT TO')) {
    return later('The mailbox is full')
  }
  if (enhanced !== undefined && ofAddress.test(enhanced)) return refused('address', 'The address was refused')
  return refused('message', command === 'DATA' ? 'The message was refused' : 'The recipient was refused')
}
