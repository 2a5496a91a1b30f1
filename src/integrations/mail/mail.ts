/** Mail at work: each notice becomes one message, and what comes back of it is heeded. */

import type { KeyObject } from 'node:crypto'
import { keptFor, type Notice } from '../../auth/notices.ts'
import type { Connection, ConnectorEvent, ConnectorHost, Inbound, Received } from '../../connectors/connector.ts'
import type { Outcome } from '../../deliveries/delivery.ts'
import { Problem } from '../../errors.ts'
import type { NoticeKind } from '../../schemas/notice.ts'
import { htmlOf } from './html.ts'
import { asked, optional } from './kinds.ts'
import { type Language, type Locale, localeOf } from './languages/languages.ts'
import { letterOf } from './letter.ts'
import { hostOf, type Mailbox, recipientOf } from './mailbox.ts'
import type { Message, Sent, Transport } from './message.ts'
import { type AddressEvent, readEvents } from './sendgrid-events.ts'
import type { Suppression, Suppressions } from './suppressions.ts'
import { textOf } from './text.ts'
import {
  addressOf,
  isOneClick,
  type UnsubscribePage,
  unsubscribeHeaders,
  unsubscribePage,
  unsubscribePath,
  unsubscribeToken,
} from './unsubscribe.ts'

export interface MailOptions {
  host: Pick<ConnectorHost, 'notices' | 'secrets' | 'publicUrl' | 'log'>
  transport: Transport
  suppressions: Suppressions
  from: Mailbox
  /** Of readers who have named no language that there is. */
  language: Language
  product: string
  /** That SendGrid signs its WebHooks with. */
  eventKey?: KeyObject | undefined
}

/** How long after a bounce a message about the security of an account is held back, in ms. */
const bounceHolds = 3 * 86_400_000

export type Rendered = Pick<Message, 'subject' | 'html' | 'text'>

export class Mail implements Connection {
  readonly suppressions: Suppressions
  readonly #options: MailOptions
  /** Notices that are being sent: an attempt that comes meanwhile shares its outcome. */
  readonly #sending = new Map<string, Promise<Outcome>>()
  /** Notices that were taken, and could not be recorded as sent. */
  readonly #taken = new Set<string>()

  constructor(options: MailOptions) {
    this.#options = options
    this.suppressions = options.suppressions
  }

  /** Hands the message of a notice over, once. */
  send({ data, time }: Pick<ConnectorEvent, 'data' | 'time'>, signal: AbortSignal): Promise<Outcome> {
    const id = String(data.id)
    const sending = this.#sending.get(id) ?? this.#send(id, time, signal).finally(() => this.#sending.delete(id))
    this.#sending.set(id, sending)
    return sending
  }

  async #send(id: string, time: string, signal: AbortSignal): Promise<Outcome> {
    if (this.#taken.has(id)) return this.#record(id)
    const found = await this.#options.host.notices.find(id)
    if (found.as === 'sent') return { as: 'delivered', error: 'It was sent before' }
    if (found.as === 'unknown') return unknown(time)
    if (found.as === 'unreadable') return { as: 'retry', error: 'The notice cannot be opened with SECRET' }
    const { notice, provenAt } = found
    const to = recipientOf(notice.recipient)
    if (to === undefined) return { as: 'dead', error: 'The recipient is not one address' }
    if (isOver(notice)) return { as: 'dead', error: 'Its link is no longer good' }
    const suppressed = suppressing(notice, await this.suppressions.of(notice.recipient), provenAt)
    if (suppressed) return { as: 'dead', error: `The address is not written to any more: ${suppressed.reason}` }
    return this.#settle(notice, await this.#options.transport.send(this.#message(notice, to), signal))
  }

  /** @throws {Problem} `not-found` without a key, and what {@link readEvents} throws. */
  receive(inbound: Inbound): Received[] {
    const { eventKey, host } = this.#options
    if (eventKey === undefined) throw new Problem('not-found', 'SENDGRID_WEBHOOK_KEY is not set')
    return readEvents(inbound, eventKey, (type) => host.log.warn({ type }, 'an event of SendGrid was left out'))
  }

  async handle({ data }: Pick<Received, 'data'>): Promise<Outcome> {
    const { address, reason, detail, at } = data as AddressEvent
    await this.suppressions.add(address, reason, detail, at)
    return { as: 'delivered' }
  }

  /** A message of this kind, as it would be sent to somebody now. */
  preview(kind: NoticeKind, locale: string | undefined): Rendered {
    const now = new Date()
    const expiresAt = new Date(now.getTime() + 3_600_000).toISOString()
    const link = this.#options.host.notices.compose({ kind, recipient: '', name: '', token: 'TOKEN' }).link
    const sample = { kind, name: 'Fatima', createdAt: now.toISOString(), expiresAt, link }
    return this.#rendered(sample, this.localeOf(locale), optional.has(kind) ? this.#unsubscribeUrl('TOKEN') : undefined)
  }

  /** `languages` as `Accept-Language` says them. */
  localeOf(languages: string | undefined): Locale {
    return localeOf(languages, this.#options.language)
  }

  /** The page that a link leads to; it changes nothing. */
  askToUnsubscribe(token: string, languages: string | undefined): UnsubscribePage {
    const known = addressOf(this.#options.host.secrets, token) !== undefined
    return unsubscribePage(known ? 'asks' : 'refused', this.localeOf(languages), this.#options.product)
  }

  /** Of a mail program (RFC 8058), or of that page. */
  async unsubscribe(token: string, body: string, languages: string | undefined): Promise<UnsubscribePage> {
    const address = isOneClick(body) ? addressOf(this.#options.host.secrets, token) : undefined
    if (address !== undefined) await this.suppressions.add(address, 'unsubscribe', null)
    const state = address === undefined ? 'refused' : 'done'
    return unsubscribePage(state, this.localeOf(languages), this.#options.product)
  }

  async #settle({ id, recipient }: Notice, sent: Sent): Promise<Outcome> {
    if (sent.as === 'accepted') return this.#record(id, sent.status)
    const { status, error } = sent
    if (sent.as === 'later') return { as: 'retry', status, error, after: sent.after }
    if (sent.of === 'address') await this.suppressions.add(recipient, 'bounce', error)
    return { as: 'dead', status, error }
  }

  /** At once after it was taken: what fails here is not sent again by this process, another one would. */
  async #record(id: string, status?: number): Promise<Outcome> {
    this.#taken.add(id)
    await this.#options.host.notices.sent(id)
    this.#taken.delete(id)
    return { as: 'delivered', status }
  }

  #message(notice: Notice, to: string): Message {
    const { from, host } = this.#options
    const { id, kind, recipient, createdAt, languages } = notice
    const url = optional.has(kind) ? this.#unsubscribeUrl(unsubscribeToken(host.secrets, recipient)) : undefined
    return {
      id,
      messageId: `<${id}@${hostOf(from.address)}>`,
      kind,
      date: createdAt,
      from,
      to,
      ...this.#rendered(notice, this.localeOf(languages), url),
      // Nobody is away for a machine (RFC 3834).
      headers: { 'Auto-Submitted': 'auto-generated', ...(url && unsubscribeHeaders(url)) },
    }
  }

  #rendered(notice: Parameters<typeof letterOf>[0], locale: Locale, unsubscribeUrl: string | undefined): Rendered {
    const letter = letterOf(notice, locale, this.#options.product, unsubscribeUrl)
    return { subject: letter.subject, html: htmlOf(letter), text: textOf(letter) }
  }

  #unsubscribeUrl(token: string): string {
    return `${this.#options.host.publicUrl()}${unsubscribePath}?token=${token}`
  }
}

/** There may never have been a notice, or its user is gone; what is older may have been one that came too late. */
function unknown(time: string): Outcome {
  const isOld = Date.parse(time) <= Date.now() - keptFor
  return isOld ? { as: 'dead', error: 'The notice is no longer kept' } : { as: 'delivered' }
}

function isOver({ expiresAt }: Notice): boolean {
  return expiresAt !== undefined && Date.parse(expiresAt) <= Date.now()
}

/**
 * What keeps a message back. A mailbox that is not there stops all until somebody shows that it is, but what was asked for
 * after that was found, and for a time what tells of the security of an account: a server may have been wrong. A complaint,
 * or that somebody has unsubscribed, stops only what may be unwanted.
 */
function suppressing(
  { kind, createdAt }: Notice,
  suppressions: readonly Suppression[],
  provenAt = '',
): Suppression | undefined {
  return suppressions.find(({ reason, updatedAt }) => {
    if (reason !== 'bounce') return optional.has(kind)
    if (provenAt > updatedAt) return false
    if (optional.has(kind)) return true
    return asked.has(kind) ? createdAt <= updatedAt : Date.now() < Date.parse(updatedAt) + bounceHolds
  })
}
