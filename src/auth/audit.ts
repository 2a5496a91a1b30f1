/** The audit trail: who did what to whose access, from where; kept for a time, never changed. */

import { type Static, type TObject, Type } from '@sinclair/typebox'
import type { FastifyRequest } from 'fastify'
import type { Eventually } from '../contract/eventually.ts'
import type { Principal } from '../contract/principal.ts'
import type { Declaration } from '../schemas/collection.ts'
import type { Collection, Page, PageQuery } from '../storage/collection.ts'
import { argument, statement } from '../storage/dialect.ts'
import type { Command, Storage } from '../storage/storage.ts'
import type { Store } from '../storage/store.ts'

export interface AuditEntry {
  /** Dotted, lower case: `key.created`, `sign-in.failed`. */
  type: string
  outcome: 'success' | 'failure'
  principal: Pick<Principal, 'id'>
  /** What it was done to, as `kind:id`. */
  target?: string | undefined
  /** A sentence for people. Never a secret. */
  detail?: string | undefined
}

/** Where an entry came from. */
export type Origin = Pick<FastifyRequest, 'id' | 'ip'>

const text = Type.String()
const Input = Type.Object({
  type: text,
  outcome: text,
  principal: text,
  target: text,
  detail: text,
  address: text,
  requestId: text,
})

const declaration: Declaration<typeof Input> = {
  name: 'audit_events',
  label: 'Audit event',
  input: Input,
  filters: { type: 'startsWith', principal: 'equals', target: 'equals' },
  migrations: [
    {
      id: 'audit_events-1-create',
      up: ({ schema, createCollection, text }) => [
        ['type', 'outcome', 'principal', 'target', 'detail', 'address', 'request_id'].reduce(
          (table, name) => table.addColumn(name, text, (column) => column.notNull()),
          createCollection('audit_events'),
        ),
        schema.createIndex('audit_events_type').on('audit_events').columns(['type', 'id']),
        schema.createIndex('audit_events_principal').on('audit_events').columns(['principal', 'id']),
        schema.createIndex('audit_events_target').on('audit_events').columns(['target', 'id']),
        schema.createIndex('audit_events_created_at').on('audit_events').column('created_at'),
      ],
    },
  ],
}

export class Audit {
  readonly #engine: Storage
  readonly #events: Collection<typeof Input>

  constructor(store: Store) {
    this.#engine = store.engine
    this.#events = store.collection(declaration, 0)
  }

  /** The entry as a command, to be written in the transaction of the change that it tells of. */
  command({ type, outcome, principal, target = '', detail = '' }: AuditEntry, origin: Origin): Command {
    const { id: requestId, ip: address } = origin
    return this.#events.insertion({ type, outcome, principal: principal.id, target, detail, address, requestId })
  }

  /** Writes an entry that belongs to no change: a failure. */
  async record(entry: AuditEntry, origin: Origin): Promise<void> {
    await this.#engine.write([this.command(entry, origin)])
  }

  page<View extends TObject>(view: View, query: PageQuery): Eventually<Page<Static<View>>> {
    return this.#events.page(view, query)
  }

  count(filter: PageQuery['filter']): Promise<number> {
    return this.#events.count(filter)
  }

  /** Deletes entries of this age (ms). */
  async forgetAfter(age: number): Promise<void> {
    const { kysely } = this.#engine.dialect
    const forget = statement(
      'forget audit events',
      kysely.deleteFrom('audit_events').where('created_at', '<', argument('before')),
    )
    await this.#engine.write([[forget, { before: new Date(Date.now() - age).toISOString() }]])
  }
}
