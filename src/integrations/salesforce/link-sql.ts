/** The table of what a user and its contact last agreed on, and every statement over it. */

import { sql } from 'kysely'
import type { Migration } from '../../schemas/collection.ts'
import { argument, type Dialect, selected, statement, textArgument } from '../../storage/dialect.ts'
import type { Row, Statement } from '../../storage/storage.ts'

export const linkMigrations: readonly Migration[] = [
  {
    id: 'salesforce_links-1-create',
    up: ({ schema, text, integer }) => [
      schema
        .createTable('salesforce_links')
        .addColumn('user_id', integer, (column) => column.primaryKey().references('users.id').onDelete('cascade'))
        .addColumn('version', integer, (column) => column.notNull())
        .addColumn('agreed', text, (column) => column.notNull())
        .addColumn('sent', text, (column) => column.notNull())
        .addColumn('modstamp', text)
        .addColumn('agreed_at', text, (column) => column.notNull()),
      schema
        .createTable('salesforce_jobs')
        .addColumn('id', text, (column) => column.primaryKey())
        .addColumn('run', text, (column) => column.notNull().unique())
        .addColumn('last_user', integer, (column) => column.notNull()),
    ],
  },
]

const columns = { userId: 'user_id', version: 'version', agreed: 'agreed', sent: 'sent', modstamp: 'modstamp' }

export interface LinkRow extends Row {
  userId: number
  version: number
  /** JSON: values by field. */
  agreed: string
  /** JSON: lists of values by field. */
  sent: string
  modstamp: string | null
}

/** A job of Bulk API 2.0 that may be under way. */
export interface JobRow extends Row {
  id: string
  /** Of the back-fill; it makes one page at a time. */
  run: string
  /** Id of the last user of the page. */
  last: number
}

export class LinkSql {
  readonly get: Statement
  /** Of `ids`, a JSON array. */
  readonly among: Statement
  /** Writes it where it has this version, or there is none and the version is 0; gives the id of the user, if it has. */
  readonly agree: Statement
  readonly role: Statement
  /** A row for an administrator, who is to be none. */
  readonly administrator: Statement
  readonly jobs: Statement
  readonly jobBegins: Statement
  readonly jobEnds: Statement
  /** Of a run. */
  readonly jobsEnd: Statement

  constructor(dialect: Dialect) {
    const { kysely } = dialect
    const select = () => kysely.selectFrom('salesforce_links').select(selected(columns))
    this.get = statement('salesforce link', select().where('user_id', '=', argument('userId')))
    this.among = statement('salesforce links', select().where(dialect.among('user_id', 'ids')))
    // Of a user that is there: it may have been deleted meanwhile.
    const given = kysely
      .selectFrom('users')
      .where('id', '=', argument('userId'))
      .select([
        'id',
        sql`cast(${argument('version')} as integer) + 1`.as('version'),
        textArgument('agreed').as('agreed'),
        textArgument('sent').as('sent'),
        textArgument('modstamp').as('modstamp'),
        textArgument('now').as('agreed_at'),
      ])
    const insert = kysely
      .insertInto('salesforce_links')
      .columns(['user_id', 'version', 'agreed', 'sent', 'modstamp', 'agreed_at'])
      .expression(given)
    const written = {
      agreed: argument('agreed'),
      sent: argument('sent'),
      modstamp: argument('modstamp'),
      agreed_at: argument('now'),
      version: sql`salesforce_links.version + 1`,
    }
    this.agree = statement(
      'salesforce agree',
      insert
        .onConflict((conflict) =>
          conflict
            .column('user_id')
            .doUpdateSet(written)
            .where(sql<boolean>`salesforce_links.version = ${argument('version')}`),
        )
        .returning('user_id'),
    )
    const account = kysely.selectFrom('accounts').select('role').where('user_id', '=', argument('userId'))
    this.role = statement('salesforce role', account)
    this.administrator = statement('salesforce administrator', account.where('role', '=', sql.lit('admin')))
    const job = { id: 'id', run: 'run', last: 'last_user' }
    this.jobs = statement('salesforce jobs', kysely.selectFrom('salesforce_jobs').select(selected(job)))
    const begun = { id: argument('id'), run: argument('run'), last_user: argument('last') }
    this.jobBegins = statement('salesforce job', kysely.insertInto('salesforce_jobs').values(begun))
    this.jobEnds = statement(
      'salesforce job end',
      kysely.deleteFrom('salesforce_jobs').where('id', '=', argument('id')),
    )
    this.jobsEnd = statement(
      'salesforce jobs end',
      kysely.deleteFrom('salesforce_jobs').where('run', '=', argument('run')),
    )
  }
}
