/** The tables of deliveries. */

import { sql } from 'kysely'
import type { Migration } from '../schemas/collection.ts'

/**
 * A delivery keeps the text of its event: it outlives the log's retention. While an attempt is under way, `lease` names
 * who makes it, and `due` is when another may.
 */
export const deliveryMigrations: readonly Migration[] = [
  {
    id: 'deliveries-1-create',
    up: ({ schema, createNumbered, text, integer }) => [
      createNumbered('deliveries')
        .addColumn('target', text, (column) => column.notNull())
        .addColumn('event_id', text, (column) => column.notNull())
        .addColumn('type', text, (column) => column.notNull())
        .addColumn('owner', integer)
        .addColumn('body', text, (column) => column.notNull())
        .addColumn('state', text, (column) => column.notNull())
        .addColumn('due', integer, (column) => column.notNull())
        .addColumn('lease', text)
        .addColumn('tries', integer, (column) => column.notNull())
        .addColumn('attempts', integer, (column) => column.notNull())
        .addColumn('status', integer)
        .addColumn('error', text)
        .addColumn('created_at', text, (column) => column.notNull())
        .addColumn('settled_at', text)
        .addUniqueConstraint('deliveries_target_event_unique', ['target', 'event_id']),
      schema.createIndex('deliveries_target').on('deliveries').columns(['target', 'id']),
      schema
        .createIndex('deliveries_waiting')
        .on('deliveries')
        .columns(['target', 'due'])
        .where(sql.ref('state'), '=', sql.lit('waiting')),
      schema
        .createIndex('deliveries_dead')
        .on('deliveries')
        .columns(['target', 'id'])
        .where(sql.ref('state'), '=', sql.lit('dead')),
      createNumbered('delivery_attempts')
        .addColumn('delivery_id', integer, (column) => column.notNull().references('deliveries.id').onDelete('cascade'))
        .addColumn('at', text, (column) => column.notNull())
        .addColumn('duration', integer, (column) => column.notNull())
        .addColumn('outcome', text, (column) => column.notNull())
        .addColumn('status', integer)
        .addColumn('error', text)
        .addColumn('excerpt', text),
      schema.createIndex('delivery_attempts_delivery').on('delivery_attempts').columns(['delivery_id', 'id']),
      schema.createTable('delivery_position').addColumn('last', integer, (column) => column.notNull()),
      { compile: () => ({ sql: 'insert into delivery_position (last) values (0)' }) },
    ],
  },
]
