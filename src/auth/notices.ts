/** What is to be mailed to people about their accounts: written with the change that it tells of, sealed until it is sent. */

import { randomUUID } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Type } from '@sinclair/typebox'
import { type AliasedExpression, sql } from 'kysely'
import type { Migration } from '../schemas/collection.ts'
import { normaliseEmail } from '../schemas/email.ts'
import type { EventType } from '../schemas/event.ts'
import type { NoticeKind } from '../schemas/notice.ts'
import { argument, type Dialect, selected, statement, type Tables, textArgument } from '../storage/dialect.ts'
import { emission, emitted } from '../storage/outbox.ts'
import type { Command, Statement, Storage } from '../storage/storage.ts'
import { type Allowance, withinAllowance } from './account-allowances.ts'
import type { Secrets } from './secrets.ts'

/**
 * A notice was kept. Who sends it opens it by its id: the event holds neither address nor token. One of no notice tells
 * that none was: who counts events, which anybody may who reads some, does not learn which addresses are known.
 */
export const noticeCreated: EventType = {
  type: 'notice.created',
  description: 'There is a message for a user, unless its id is of none.',
  data: Type.Object(
    {
      id: Type.String({
        description: 'Identifier of the notice.',
        examples: ['0b7e3c0e-5f0f-4f6e-9a55-0d4a6a1d2c11'],
      }),
      kind: Type.String({ description: 'What it tells; there may be new kinds.', examples: ['welcome'] }),
    },
    { $id: 'NoticeCreated', additionalProperties: false, description: 'A message to a user, without what it says.' },
  ),
  scope: 'admin',
}

/** What a message is made of. */
export interface Notice {
  id: string
  kind: NoticeKind
  /** The address as its owner writes it. */
  recipient: string
  name: string
  createdAt: string
  /** Where the recipient goes on: the token is in the fragment, which no server and no proxy gets to log. */
  link?: string | undefined
  token?: string | undefined
  /** When the link stops to be good. */
  expiresAt?: string | undefined
  /** The languages that its reader takes, as `Accept-Language` says them (RFC 9110 section 12.5.4). */
  languages?: string | undefined
}

export type NoticeInput = Pick<Notice, 'kind' | 'recipient' | 'name' | 'token' | 'expiresAt'>

/** Whoever causes a notice: its reader, as far as is known. */
export interface Speaker {
  headers?: { 'accept-language'?: string | undefined } | undefined
}

/** How many notices of one kind may be kept for a subject, and for a wider one: counts that this very write raises. */
export interface NoticeLimit extends Allowance {
  allowanceOfAll: string
  limitOfAll: number
}

export interface NoticeSettings {
  /** Where clients reach the server, without a path. */
  baseUrl: () => string
  /** Where notices are written to as files too, for a developer to follow their links. */
  folder?: string | undefined
  /** Told of each file, by its name alone. */
  onFile: (file: string) => void
  /** Told when a file could not be written. */
  onError: (error: unknown) => void
  /** Told of a notice that no secret opens. */
  onUnreadable: (error: unknown, id: string) => void
}

const purpose = 'notice'
const unlimited: NoticeLimit = { allowance: '', limit: 0, allowanceOfAll: '', limitOfAll: 0 }
/** How long a notice is kept, sent or not, in ms. */
export const keptFor = 7 * 86_400_000
/** Of what a caller says of its languages, in characters. */
const longestLanguages = 200
const pages: Partial<Record<NoticeKind, string>> = {
  'verify-email': '/auth/verify-email',
  'reset-password': '/auth/reset-password',
}

export const noticeMigrations: readonly Migration[] = [
  {
    id: 'notices-1-create',
    up: ({ schema, text, integer }) => [
      schema
        .createTable('notices')
        .addColumn('id', text, (column) => column.primaryKey())
        .addColumn('user_id', integer, (column) => column.notNull().references('users.id').onDelete('cascade'))
        .addColumn('kind', text, (column) => column.notNull())
        .addColumn('recipient', text, (column) => column.notNull())
        .addColumn('payload', text, (column) => column.notNull())
        .addColumn('created_at', text, (column) => column.notNull())
        .addColumn('sent_at', text),
      schema.createIndex('notices_user_id').on('notices').column('user_id'),
      schema.createIndex('notices_sent_at').on('notices').columns(['sent_at', 'created_at', 'id']),
    ],
  },
]

type Row = Pick<Notice, 'id' | 'kind' | 'recipient' | 'createdAt'> & { payload: string }

/** A notice as who sends it finds it. */
export type Found =
  | {
      as: 'pending'
      notice: Notice
      /** When its user last showed that messages to the recipient arrive. */
      provenAt: string | undefined
    }
  | { as: 'sent' }
  | { as: 'unknown' }
  | { as: 'unreadable' }

type FoundRow = Row & { sentAt: string | null; verifiedEmailKey: string | null; verifiedAt: string | null }

export class Notices {
  readonly #engine: Storage
  readonly #secrets: Secrets
  readonly #settings: NoticeSettings
  readonly #insert: Statement
  readonly #pending: Statement
  readonly #find: Statement
  readonly #told: Statement
  readonly #sent: Statement
  readonly #forget: Statement

  constructor(engine: Storage, secrets: Secrets, settings: NoticeSettings) {
    this.#engine = engine
    this.#secrets = secrets
    this.#settings = settings
    const { kysely } = engine.dialect
    const columns = { id: 'id', kind: 'kind', recipient: 'recipient', payload: 'payload', createdAt: 'created_at' }
    this.#insert = statement(
      'notice insert',
      kysely
        .insertInto('notices')
        .columns([...Object.values(columns), 'user_id'])
        .expression(
          kysely
            .selectFrom('users')
            .select([...Object.keys(columns).map((name) => textArgument(name).as(name)), 'users.id as owner'])
            .where('email_key', '=', argument('emailKey'))
            .where(withinAllowance())
            .where(withinAllowance('allowanceOfAll', 'limitOfAll')),
        ),
    )
    this.#pending = statement(
      'notices pending',
      kysely
        .selectFrom('notices')
        .select(selected(columns))
        .where('sent_at', 'is', null)
        .where(
          sql<boolean>`(created_at > ${argument('createdAt')} or (created_at = ${argument('createdAt')} and id > ${argument('id')}))`,
        )
        .orderBy('created_at')
        .orderBy('id')
        .limit(argument<number>('limit')),
    )
    this.#find = statement(
      'notice',
      kysely
        .selectFrom('notices')
        .leftJoin('accounts', 'accounts.user_id', 'notices.user_id')
        .select(
          selected({
            ...{ id: 'id', kind: 'kind', recipient: 'recipient', payload: 'payload', createdAt: 'notices.created_at' },
            ...{ sentAt: 'sent_at', verifiedEmailKey: 'verified_email_key', verifiedAt: 'email_verified_at' },
          }),
        )
        .where('id', '=', argument('id')),
    )
    const told = keptOrNot(engine.dialect)
    this.#told = emission(engine.dialect, 'notices', '/notices', noticeCreated, 'given', sql.ref('user_id'), told)
    this.#sent = statement(
      'notice sent',
      kysely
        .updateTable('notices')
        .set({ sent_at: argument('now'), payload: '' })
        .where('id', '=', argument('id')),
    )
    this.#forget = statement(
      'notices forget',
      kysely.deleteFrom('notices').where('created_at', '<', argument('before')),
    )
  }

  /** A notice with its link; not written yet. Its reader is taken for who causes it. */
  compose(input: NoticeInput, { headers }: Speaker = {}): Notice {
    const { kind, token } = input
    const page = pages[kind]
    const link = token && page && `${this.#settings.baseUrl()}${page}#token=${token}`
    const languages = headers?.['accept-language']?.slice(0, longestLanguages)
    return { ...input, id: randomUUID(), createdAt: new Date().toISOString(), link, languages }
  }

  /** Keeps the notice for the user whose address is the recipient; with a limit, only within it. It is told of all the same. */
  commands(notice: Notice, { allowance, limit, allowanceOfAll, limitOfAll } = unlimited): Command[] {
    const { id, kind, recipient, createdAt, ...rest } = notice
    const payload = this.#secrets.seal(purpose, JSON.stringify(rest))
    const emailKey = normaliseEmail(recipient)
    const limits = { allowance, limit, allowanceOfAll, limitOfAll }
    return [
      [this.#insert, { id, kind, recipient, emailKey, createdAt, payload, ...limits }],
      [this.#told, { id, kind, ...emitted(createdAt) }],
    ]
  }

  /** Tells of a notice in place of one that nobody is to get. */
  none(kind: NoticeKind): Command {
    return [this.#told, { id: randomUUID(), kind, ...emitted(new Date().toISOString()) }]
  }

  /** Those that nobody has sent yet, the oldest first. One that cannot be opened keeps none of the others back. */
  async pending(limit = 100): Promise<Notice[]> {
    const opened: Notice[] = []
    let rows: Row[] = []
    do {
      const { createdAt, id } = rows.at(-1) ?? { createdAt: '', id: '' }
      rows = await this.#engine.all<Row>(this.#pending, { limit, createdAt, id })
      opened.push(...rows.flatMap((row) => this.#open(row)))
    } while (opened.length < limit && rows.length === limit)
    return opened.slice(0, limit)
  }

  /** One notice, to be sent. */
  async find(id: string): Promise<Found> {
    const row = await this.#engine.first<FoundRow>(this.#find, { id })
    if (row === undefined) return { as: 'unknown' }
    const { sentAt, verifiedEmailKey, verifiedAt, ...rest } = row
    if (sentAt !== null) return { as: 'sent' }
    const [notice] = this.#open(rest)
    if (notice === undefined) return { as: 'unreadable' }
    const isProven = verifiedEmailKey === normaliseEmail(notice.recipient)
    return { as: 'pending', notice, provenAt: (isProven && verifiedAt) || undefined }
  }

  /** Records that a notice was sent; its content is forgotten. */
  async sent(id: string): Promise<void> {
    await this.#engine.write([[this.#sent, { id, now: new Date().toISOString() }]])
  }

  /** After its write: outside production, puts the notice into a file if it was kept. */
  async announce(notice: Notice): Promise<void> {
    const { folder, onError } = this.#settings
    if (folder !== undefined) await this.#file(folder, notice).catch(onError)
  }

  /** Deletes what has been kept long enough. */
  forget(): Command {
    return [this.#forget, { before: new Date(Date.now() - keptFor).toISOString() }]
  }

  #open({ payload, ...row }: Row): [] | [Notice] {
    try {
      return [{ ...row, ...(JSON.parse(this.#secrets.open(purpose, payload)) as Pick<Notice, 'name'>) }]
    } catch (error) {
      this.#settings.onUnreadable(error, row.id)
      return []
    }
  }

  async #file(folder: string, notice: Notice): Promise<void> {
    const { id, kind, createdAt } = notice
    if ((await this.#engine.first(this.#find, { id })) === undefined) return
    const file = `${createdAt.replaceAll(/[:.]/g, '-')}-${kind}-${id.slice(0, 8)}.json`
    await mkdir(folder, { recursive: true, mode: 0o700 })
    await writeFile(join(folder, file), `${JSON.stringify(notice, null, 2)}\n`, { mode: 0o600, flag: 'wx' })
    this.#settings.onFile(file)
  }
}

/** The row of the notice that was given, or one like it, of nobody. */
function keptOrNot({ kysely }: Dialect): AliasedExpression<Tables, 'notices'> {
  const kept = () => kysely.selectFrom('notices').select(['id', 'kind', 'user_id']).where('id', '=', argument('id'))
  const none = kysely
    .selectNoFrom([textArgument('id').as('id'), textArgument('kind').as('kind'), sql.lit(0).as('user_id')])
    .where(({ not, exists }) => not(exists(kept())))
  return kept().unionAll(none).as('notices')
}
