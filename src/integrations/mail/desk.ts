/** What operators do with mail: look at messages, and at addresses that are not written to any more. */

import type { Caller } from '../../auth/account-parts.ts'
import type { Audit } from '../../auth/audit.ts'
import { Problem } from '../../errors.ts'
import type { Storage } from '../../storage/storage.ts'
import { orConflict } from '../../storage/storage.ts'
import type { Mail } from './mail.ts'
import type { Suppression } from './suppressions.ts'

export interface SuppressionQuery {
  limit: number
  /** Id of the last one that was seen. */
  cursor?: string | undefined
  address?: string | undefined
}

export class MailDesk {
  readonly mail: Mail
  readonly #engine: Storage
  readonly #audit: Audit

  constructor(mail: Mail, engine: Storage, audit: Audit) {
    this.mail = mail
    this.#engine = engine
    this.#audit = audit
  }

  /** The newest first. */
  async page({ limit, cursor, address }: SuppressionQuery) {
    const before = cursor === undefined ? Number.MAX_SAFE_INTEGER : Number(cursor)
    const rows: Suppression[] = await this.mail.suppressions.page(limit + 1, before, address)
    const items = rows.slice(0, limit)
    return { items, next: rows.length > limit ? String(items.at(-1)?.id) : undefined }
  }

  /** From now on the address is written to again. It goes on record. @throws {Problem} `not-found` */
  async delete(id: number, caller: Caller): Promise<void> {
    const { suppressions } = this.mail
    const suppression = await suppressions.get(id)
    if (suppression === undefined) throw new Problem('not-found', 'Suppression not found')
    const { principal } = caller
    const target = `mail-suppression:${id}`
    const entry = { type: 'mail-suppression.deleted', outcome: 'success', principal, target } as const
    await this.#engine
      .write([suppressions.deletion(id), this.#audit.command({ ...entry, detail: suppression.reason }, caller)])
      .catch(orConflict('The suppression was deleted at the same moment'))
  }
}
