/** Mail by SMTP (RFC 5321): one connection a message, so that an attempt can be cut off and says what it met. */

import type MailComposer from 'nodemailer/lib/mail-composer'
import type SMTPConnection from 'nodemailer/lib/smtp-connection'
import { isInternational } from './mailbox.ts'
import type { Message, Sent, Transport } from './message.ts'
import type { SmtpSettings } from './settings.ts'
import { verdictOf } from './smtp-verdict.ts'

/** Until a server is connected and has greeted, in ms. */
const greeting = 10_000
/** For what comes in between, in ms; the whole attempt is limited by its signal. */
const silence = 60_000
/** Until a connection that is done with is closed, in ms. */
const farewell = 500

interface Library {
  Connection: typeof SMTPConnection
  Composer: typeof MailComposer
}

export class SmtpTransport implements Transport {
  readonly #library: Library
  readonly #settings: SmtpSettings
  readonly #name: () => string

  private constructor(library: Library, settings: SmtpSettings, name: () => string) {
    this.#library = library
    this.#settings = settings
    this.#name = name
  }

  /** `name`: what the server is told that this one is called. It loads nodemailer, and connects nowhere. */
  static async open(settings: SmtpSettings, name: () => string): Promise<SmtpTransport> {
    const [{ default: Connection }, { default: Composer }] = await Promise.all([
      import('nodemailer/lib/smtp-connection'),
      import('nodemailer/lib/mail-composer'),
    ])
    return new SmtpTransport({ Connection, Composer }, settings, name)
  }

  async send(message: Message, signal: AbortSignal): Promise<Sent> {
    const raw = await this.#compose(message)
    const { auth, starttls, ...server } = this.#settings
    const connection = new this.#library.Connection({
      ...server,
      name: this.#name(),
      requireTLS: !server.secure && starttls === 'required',
      ignoreTLS: starttls === 'off',
      connectionTimeout: greeting,
      greetingTimeout: greeting,
      dnsTimeout: greeting,
      socketTimeout: silence,
      socketCloseTimeout: 0,
    })
    const sent = await Promise.race([this.#hand(connection, message, raw), broken(connection, signal)]).catch(verdictOf)
    // Without an answer, what is said now could be taken for a part of the message.
    if (sent.status === undefined) connection.close()
    else leave(connection)
    return sent
  }

  async #hand(connection: SMTPConnection, message: Message, raw: Buffer): Promise<Sent> {
    const { auth } = this.#settings
    await called((done) => connection.connect(done))
    // The answer to EHLO, the second one where TLS was begun.
    const takesAny = /[ -]SMTPUTF8\b/i.test(connection.lastServerResponse || '')
    if (isInternational(message.to) && !takesAny) {
      return { as: 'refused', of: 'message', error: 'The server takes no address in this script (SMTPUTF8)' }
    }
    if (auth !== undefined) await called((done) => connection.login(auth, done))
    const envelope = { from: message.from.address, to: [message.to], size: raw.length }
    await called((done) => connection.send(envelope, raw, done))
    return { as: 'accepted', status: 250 }
  }

  /** The same bytes at each attempt. */
  #compose({ id, messageId, date, from, to, subject, html, text, headers }: Message): Promise<Buffer> {
    return new this.#library.Composer({
      from: { ...from },
      to: { name: '', address: to },
      subject,
      html,
      text,
      headers: { ...headers },
      messageId,
      date: new Date(date),
      baseBoundary: id,
      newline: 'win',
      disableFileAccess: true,
      disableUrlAccess: true,
    })
      .compile()
      .build()
  }
}

/** Says good-bye, and waits for the answer no longer than it is worth. */
function leave(connection: SMTPConnection): void {
  connection.quit()
  setTimeout(() => connection.close(), farewell).unref()
}

function called(call: (done: (error?: Error | null) => void) => void): Promise<void> {
  return new Promise((resolve, reject) => call((error) => (error ? reject(error) : resolve())))
}

/** Rejects when the connection breaks, or the attempt is to end. */
function broken(connection: SMTPConnection, signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    connection.on('error', reject)
    connection.on('end', () => reject(new Error('The connection has ended')))
    const end = () => reject(new Error('There was no answer in time'))
    if (signal.aborted) end()
    signal.addEventListener('abort', end, { once: true })
  })
}
