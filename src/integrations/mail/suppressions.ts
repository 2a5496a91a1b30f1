/** Addresses that are not written to any more, and why. */

import { sql } from 'kysely'
import type { Migration } from '../../schemas/collection.ts'
import { normaliseEmail } from '../../schemas/email.ts'
import { argument, selected, statement } from '../../storage/dialect.ts'
import type { Command, Statement, Storage } from '../../storage/storage.ts'

/** `bounce`: there is no such mailbox; `complaint`: its reader took a message for spam; `unsubscribe`. */
export type SuppressionReason = 'bounce' | 'complaint' | 'unsubscribe'

export interface Suppression {
  id: number
  /** In the form in which addresses are compared. */
  address: string
  reason: SuppressionReason
  /** What a server said. */
  detail: string | null
  updatedAt: string
}

export const suppressionMigrations: readonly Migration[] = [
  {
    id: 'mail_suppressions-1-create',
    up: ({ schema, createNumbered, text }) => [
      createNumbered('mail_suppressions')
        .addColumn('address', text, (column) => column.notNull())
        .addColumn('reason', text, (column) => column.notNull())
        .addColumn('detail', text)
        .addColumn('at', text, (column) => column.notNull()),
      schema.createIndex('mail_suppressions_address').on('mail_suppressions').columns(['address', 'reason']).unique(),
    ],
  },
]

export class Suppressions {
  readonly #engine: Storage
  readonly #add: Statement
  readonly #of: Statement
  readonly #page: Statement
  readonly #get: Statement
  readonly #delete: Statement

  constructor(engine: Storage) {
    this.#engine = engine
    const { kysely } = engine.dialect
    const columns = { id: 'id', address: 'address', reason: 'reason', detail: 'detail', updatedAt: 'at' }
    this.#add = statement(
      'suppression add',
      kysely
        .insertInto('mail_suppressions')
        .values({
          address: argument('address'),
          reason: argument('reason'),
          detail: argument('detail'),
          at: argument('at'),
        })
        .onConflict((conflict) =>
          conflict
            .columns(['address', 'reason'])
            .doUpdateSet({ detail: sql.ref('excluded.detail'), at: sql.ref('excluded.at') })
            .where('mail_suppressions.at', '<=', sql.ref('excluded.at')),
        ),
    )
    const all = () => kysely.selectFrom('mail_suppressions').select(selected(columns))
    this.#of = statement('suppressions of address', all().where('address', '=', argument('address')))
    this.#page = statement(
      'suppressions page',
      all()
        .where(sql<boolean>`(${argument('address')} = '' or address = ${argument('address')})`)
        .where('id', '<', argument<number>('before'))
        .orderBy('id', 'desc')
        .limit(argument<number>('limit')),
    )
    this.#get = statement('suppression', all().where('id', '=', argument('id')))
    this.#delete = statement(
      'suppression delete',
      kysely.deleteFrom('mail_suppressions').where('id', '=', argument('id')),
    )
  }

  /** Again, with what was said then, where it is there already; what is found out late does not make it older. */
  async add(
    address: string,
    reason: SuppressionReason,
    detail: string | null,
    at = new Date().toISOString(),
  ): Promise<void> {
    await this.#engine.write([[this.#add, { address: normaliseEmail(address), reason, detail, at }]])
  }

  async of(address: string): Promise<Suppression[]> {
    return this.#engine.all<Suppression>(this.#of, { address: normaliseEmail(address) })
  }

  /** The newest first, with ids below `before`; of one address or of all. */
  async page(limit: number, before: number, address?: string): Promise<Suppression[]> {
    const key = address === undefined ? '' : normaliseEmail(address)
    return this.#engine.all<Suppression>(this.#page, { limit, before, address: key })
  }

  async get(id: number): Promise<Suppression | undefined> {
    return this.#engine.first<Suppression>(this.#get, { id })
  }

  /** For a write that something else belongs to. */
  deletion(id: number): Command {
    return [this.#delete, { id }, 1]
  }
}
