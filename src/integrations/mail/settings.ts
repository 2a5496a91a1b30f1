/** The settings of mail, and what is made of them. */

import { domainToASCII } from 'node:url'
import { type Static, Type } from '@sinclair/typebox'
import { ConfigError, loopbackNames } from '../../config.ts'
import { Enum } from '../../schemas/enum.ts'
import { languageNames } from './languages/languages.ts'
import { type Mailbox, mailboxOf } from './mailbox.ts'

const sender = 'Septet <no-reply@example.com>'

export const settings = Type.Object(
  {
    MAIL_FROM: Type.String({ description: 'Who messages come from: one mailbox.', examples: [sender] }),
    SMTP_URL: Type.Optional(
      Type.String({
        pattern: '^smtps?://[^/?#]+/?$',
        description:
          'Server that takes messages: `smtp://user:password@host:587`, or `smtps://` for TLS from the start.',
      }),
    ),
    SMTP_STARTTLS: Type.Optional(
      Enum(['required', 'offered', 'off'], {
        description:
          'Whether `smtp://` goes on over TLS: `required`, if it is `offered`, or `off`; `required`, but on loopback `offered`.',
      }),
    ),
    SENDGRID_API_KEY: Type.Optional(
      Type.String({ pattern: '^SG\\.[\\w.-]+$', description: 'Key of SendGrid, in place of `SMTP_URL`.' }),
    ),
    SENDGRID_URL: Type.String({
      default: 'https://api.sendgrid.com',
      pattern: '^https?://[^?#]+$',
      description: 'Its API; `https://api.eu.sendgrid.com` for accounts of the EU.',
    }),
    SENDGRID_WEBHOOK_KEY: Type.Optional(
      Type.String({ description: 'Public key of its signed event WebHooks, as its console shows it.' }),
    ),
    MAIL_LOCALE: Enum(languageNames, {
      default: 'en',
      description: 'Language of readers who have named none that there is: en, de, fr, es or ar.',
    }),
    MAIL_PRODUCT: Type.String({
      default: 'Septet',
      pattern: '^[^\\p{C}]{1,60}$',
      description: 'What messages call what is run here.',
    }),
  },
  { examples: [{ MAIL_FROM: sender, SMTP_URL: 'smtp://localhost:2525' }] },
)

export type MailSettings = Static<typeof settings>

export interface SmtpSettings {
  host: string
  port: number
  /** TLS from the start. */
  secure: boolean
  starttls: 'required' | 'offered' | 'off'
  auth: { user: string; pass: string } | undefined
}

/** @throws {ConfigError} */
export function senderOf({ MAIL_FROM }: Pick<MailSettings, 'MAIL_FROM'>): Mailbox {
  const mailbox = mailboxOf(MAIL_FROM)
  if (mailbox !== undefined) return mailbox
  throw new ConfigError(`MAIL_FROM must be one mailbox such as ${sender}, got ${JSON.stringify(MAIL_FROM)}`)
}

const loopback = new RegExp(`^(?:${loopbackNames}|\\[::1\\])$`)

/** @throws {ConfigError} where the key and every message would go over the network in the clear. */
export function sendGridUrl(url: string): string {
  const { protocol, hostname } = URL.canParse(url) ? new URL(url) : {}
  if (protocol === 'https:' || (protocol === 'http:' && loopback.test(hostname ?? ''))) return url
  throw new ConfigError('SENDGRID_URL must be a URL of https, or of http on loopback')
}

/** @throws {ConfigError} also where a password would go over the network in the clear. */
export function smtpOf(url: string, policy: MailSettings['SMTP_STARTTLS']): SmtpSettings {
  // What the URL holds is not repeated: it may have a password.
  if (!URL.canParse(url)) throw new ConfigError('SMTP_URL must be a URL such as smtp://user:password@host:587')
  const { protocol, hostname, port, username, password } = new URL(url)
  const secure = protocol === 'smtps:'
  const isLocal = loopback.test(hostname)
  const starttls = policy ?? (isLocal ? 'offered' : 'required')
  const auth = username === '' ? undefined : { user: decoded(username), pass: decoded(password) }
  if (auth !== undefined && !secure && starttls !== 'required' && !isLocal) {
    throw new ConfigError('SMTP_STARTTLS must be required where SMTP_URL holds a password for another machine')
  }
  const host = hostOf(hostname)
  return { host, port: Number(port) || (secure ? 465 : 587), secure, starttls, auth }
}

/** As DNS knows it: of schemes that it does not know, `URL` leaves a name in another script percent-encoded. */
function hostOf(hostname: string): string {
  const bare = hostname.replace(/^\[(.*)\]$/, '$1')
  if (bare !== hostname) return bare
  const host = domainToASCII(decoded(hostname, 'a host'))
  if (host !== '') return host
  throw new ConfigError('SMTP_URL must name a host')
}

function decoded(part: string, what = 'user and password'): string {
  try {
    return decodeURIComponent(part)
  } catch {
    throw new ConfigError(`SMTP_URL must hold ${what} percent-encoded`)
  }
}
