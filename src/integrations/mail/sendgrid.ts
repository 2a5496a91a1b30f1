/** Mail through SendGrid's Web API v3 (`POST /v3/mail/send`). */

import { optional } from './kinds.ts'
import { type Message, reasonOf, type Sent, type Transport } from './message.ts'

export interface SendGridSettings {
  key: string
  url: string
}

type Library = typeof import('@sendgrid/mail')
type MailData = Exclude<Parameters<Library['send']>[0], readonly unknown[]>

/** One of its package's senders, whose client hands on to axios what its types do not know. */
interface Service extends Pick<Library, 'setApiKey' | 'send'> {
  readonly client: { setDefaultRequest(request: Record<string, unknown>): void }
}

/** What it answers; a proxy may have. */
interface Answer {
  statusCode: number
  headers: Record<string, unknown>
  body: unknown
}

/** What SendGrid has against a message. */
interface Fault {
  message?: string
  field?: string | null
}

/** Until SendGrid answers, in ms. */
const patience = 30_000
/** What says that the message is wrong, or too long. All else is of settings, of a proxy, or for a time. */
const ofMessage = new Set([400, 413])
/** Of an answer; it has no body, or a few errors. */
const longestAnswer = 65_536

export class SendGridTransport implements Transport {
  readonly #Service: new () => Service
  readonly #settings: SendGridSettings

  private constructor(service: new () => Service, settings: SendGridSettings) {
    this.#Service = service
    this.#settings = settings
  }

  /** It loads the package, and asks nothing. */
  static async open(settings: SendGridSettings): Promise<SendGridTransport> {
    const { default: library } = await import('@sendgrid/mail')
    // Its types say that the class is beside the default export; it is one of its properties.
    const { MailService } = library as unknown as { MailService: new () => Service }
    return new SendGridTransport(MailService, settings)
  }

  async send(message: Message, signal: AbortSignal): Promise<Sent> {
    const { key, url } = this.#settings
    const service = new this.#Service()
    service.setApiKey(key)
    service.client.setDefaultRequest({
      baseUrl: url,
      timeout: patience,
      signal,
      maxRedirects: 0,
      maxContentLength: longestAnswer,
      // The package would make an error of it, with an expression of the working directory: there are folders named c++.
      validateStatus: () => true,
    })
    try {
      const [answer] = (await service.send(dataOf(message))) as unknown as [Answer]
      return verdictOf(answer)
    } catch (error) {
      return { as: 'later', error: `SendGrid was not reached: ${reasonOf((error as Error).message)}` }
    }
  }
}

/** Nothing is added to a message: no pixel, no other links, no line of SendGrid's own about subscriptions. */
function dataOf({ id, messageId, kind, from, to, subject, text, html, headers }: Message): MailData {
  const off = { enable: false }
  const on = { enable: true }
  return {
    from: from.name === '' ? from.address : { name: from.name, email: from.address },
    to,
    subject,
    content: [
      { type: 'text/plain', value: text },
      { type: 'text/html', value: html },
    ],
    headers: { ...headers, 'Message-ID': messageId },
    customArgs: { notice: id },
    categories: [kind],
    trackingSettings: {
      clickTracking: { enable: false, enableText: false },
      openTracking: off,
      subscriptionTracking: off,
    },
    mailSettings: {
      // Its own lists hold addresses that are written to again here: what is held back is decided in one place.
      ...(!optional.has(kind) && {
        bypassUnsubscribeManagement: on,
        bypassSpamManagement: on,
        bypassBounceManagement: on,
      }),
    },
  } as MailData
}

function verdictOf({ statusCode: status, headers, body }: Answer): Sent {
  if (status >= 200 && status < 300) return { as: 'accepted', status }
  const errors = errorsOf(body)
  const said = reasonOf(errors.map(({ message }) => message ?? '').join('; ') || 'it gave no reason')
  if (status === 401 || status === 403) {
    return { as: 'later', status, error: `SendGrid refuses the key, or the sender: ${said}` }
  }
  // The sender is a setting.
  if (errors.some(({ field }) => field?.startsWith('from'))) {
    return { as: 'later', status, error: `SendGrid refuses the sender: ${said}` }
  }
  if (ofMessage.has(status)) {
    return { as: 'refused', of: 'message', status, error: `SendGrid refuses the message: ${said}` }
  }
  return { as: 'later', status, after: waitOf(headers), error: `SendGrid answered ${status}: ${said}` }
}

function errorsOf(body: unknown): readonly Fault[] {
  const { errors } = (body ?? {}) as { errors?: unknown }
  return Array.isArray(errors) ? errors.filter((each) => typeof each === 'object' && each !== null) : []
}

/** In ms: by `Retry-After`, or by the moment at which its limit is reset. */
function waitOf(headers: Record<string, unknown>): number | undefined {
  const after = Number(headers['retry-after'])
  if (after >= 0) return after * 1000
  const reset = Number(headers['x-ratelimit-reset'])
  return reset > 0 ? Math.max(0, reset * 1000 - Date.now()) : undefined
}
