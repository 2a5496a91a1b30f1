import { ConfigError } from '../../config.ts'
import type { Connector } from '../../connectors/connector.ts'
import { Mail } from './mail.ts'
import type { Transport } from './message.ts'
import { readEventKey } from './sendgrid-events.ts'
import { type MailSettings, senderOf, sendGridUrl, settings, smtpOf } from './settings.ts'
import { Suppressions, suppressionMigrations } from './suppressions.ts'

export { MailDesk } from './desk.ts'
export { Mail }

/** Messages to people about their accounts, by SMTP or through SendGrid. */
const connector: Connector<typeof settings> = {
  name: 'mail',
  title: 'Mail',
  description: 'Sends people the messages about their accounts, by SMTP or through SendGrid.',
  settings,
  types: ['notice.created'],
  timeout: 60_000,
  migrations: suppressionMigrations,
  async connect(given, host) {
    const { MAIL_LOCALE, MAIL_PRODUCT, SENDGRID_WEBHOOK_KEY } = given
    return new Mail({
      host,
      from: senderOf(given),
      transport: await transportOf(given, () => new URL(host.publicUrl()).hostname),
      suppressions: new Suppressions(host.storage.engine),
      language: MAIL_LOCALE,
      product: MAIL_PRODUCT,
      eventKey: SENDGRID_WEBHOOK_KEY === undefined ? undefined : readEventKey(SENDGRID_WEBHOOK_KEY),
    })
  },
}

/** @throws {ConfigError} unless there is exactly one way out. Only its package is loaded. */
async function transportOf(given: MailSettings, ownName: () => string): Promise<Transport> {
  const { SMTP_URL, SMTP_STARTTLS, SENDGRID_API_KEY: key, SENDGRID_URL: url } = given
  if ((SMTP_URL === undefined) === (key === undefined)) {
    throw new ConfigError('MAIL_FROM needs SMTP_URL or SENDGRID_API_KEY beside it, and not both')
  }
  if (SMTP_URL !== undefined) {
    const { SmtpTransport } = await import('./smtp.ts')
    return SmtpTransport.open(smtpOf(SMTP_URL, SMTP_STARTTLS), ownName)
  }
  const { SendGridTransport } = await import('./sendgrid.ts')
  return SendGridTransport.open({ key: key ?? '', url: sendGridUrl(url) })
}

export default connector
