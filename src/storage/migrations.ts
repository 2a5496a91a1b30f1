/** The tables that belong to no resource, and the order in which all migrations run. */

import { sql } from 'kysely'
import type { Migration } from '../schemas/collection.ts'

/** Replies kept for their `Idempotency-Key`, written in the transaction of the change itself. */
const idempotency: Migration = {
  id: 'core-1-idempotency',
  up: ({ schema, text, integer }) => [
    schema
      .createTable('idempotency_keys')
      .addColumn('scope', text, (column) => column.notNull())
      .addColumn('key', text, (column) => column.notNull())
      .addColumn('fingerprint', text, (column) => column.notNull())
      .addColumn('resource_id', integer, (column) => column.notNull())
      .addColumn('version', integer, (column) => column.notNull())
      .addColumn('reply', text, (column) => column.notNull())
      .addColumn('created_at', text, (column) => column.notNull())
      .addPrimaryKeyConstraint('idempotency_keys_key_unique', ['scope', 'key']),
    schema.createIndex('idempotency_keys_created_at').on('idempotency_keys').column('created_at'),
  ],
}

const seeds: Migration = {
  id: 'core-2-seeds',
  up: ({ schema, text }) => [
    schema
      .createTable('seeds')
      .addColumn('id', text, (column) => column.notNull())
      .addColumn('applied_at', text, (column) => column.notNull())
      .addPrimaryKeyConstraint('seeds_id_unique', ['id']),
  ],
}

/**
 * What has happened, written in the transaction of the change itself. `sequence` is given where commits are not in the
 * order of `id`: by a relay, after the commit.
 */
const events: Migration = {
  id: 'core-3-events',
  up: ({ schema, createNumbered, text, integer }) => [
    createNumbered('events')
      .addColumn('event_id', text, (column) => column.notNull().unique())
      .addColumn('type', text, (column) => column.notNull())
      .addColumn('subject', text, (column) => column.notNull())
      .addColumn('time', text, (column) => column.notNull())
      .addColumn('data', text, (column) => column.notNull())
      .addColumn('owner', integer)
      .addColumn('sequence', integer),
    schema
      .createIndex('events_sequence')
      .on('events')
      .column('sequence')
      .unique()
      .where(sql.ref('sequence'), 'is not', null),
    schema.createIndex('events_unsequenced').on('events').column('id').where(sql.ref('sequence'), 'is', null),
    schema.createTable('event_sequence').addColumn('last', integer, (column) => column.notNull()),
    { compile: () => ({ sql: 'insert into event_sequence (last) values (0)' }) },
  ],
}

export const coreMigrations: readonly Migration[] = [idempotency, seeds, events]

/** The database and this program do not fit each other; the message says why. */
export class MigrationError extends Error {
  override readonly name = 'MigrationError'
}

/**
 * Those of the list that are not applied yet. An id starts with the name of its collection and a hyphen;
 * what a removed resource has left behind is not looked at.
 *
 * @throws {MigrationError} when a collection has a migration that this program does not know: a newer one has used the database.
 */
export function pending(migrations: readonly Migration[], applied: ReadonlySet<string>): Migration[] {
  const known = new Set(migrations.map(({ id }) => id))
  if (known.size !== migrations.length) throw new MigrationError('two migrations have the same id')
  const owners = new Set(migrations.map(ownerOf))
  const foreign = [...applied].filter((id) => !known.has(id) && owners.has(ownerOf({ id })))
  if (foreign.length > 0) {
    throw new MigrationError(`the database has migrations that this version does not know: ${foreign.join(', ')}`)
  }
  return migrations.filter(({ id }) => !applied.has(id))
}

function ownerOf({ id }: Pick<Migration, 'id'>): string {
  return id.slice(0, id.indexOf('-'))
}
