/** The tables of logins: those that have begun, who is known by which identity, and codes of those that are finished. */

import type { Migration } from '../../schemas/collection.ts'

export const loginMigrations: readonly Migration[] = [
  {
    id: 'login_attempts-1-create',
    up: ({ schema, text }) => [
      schema
        .createTable('login_attempts')
        .addColumn('state_mac', text, (column) => column.notNull())
        .addColumn('provider', text, (column) => column.notNull())
        .addColumn('sealed', text, (column) => column.notNull())
        .addColumn('browser_mac', text, (column) => column.notNull())
        .addColumn('redirect', text)
        .addColumn('challenge', text)
        .addColumn('expires_at', text, (column) => column.notNull())
        .addPrimaryKeyConstraint('login_attempts_state_mac_unique', ['state_mac']),
      schema.createIndex('login_attempts_expires_at').on('login_attempts').column('expires_at'),
    ],
  },
  {
    id: 'identities-1-create',
    up: ({ schema, text, integer }) => [
      schema
        .createTable('identities')
        .addColumn('id', text, (column) => column.notNull())
        .addColumn('user_id', integer, (column) => column.notNull().references('users.id').onDelete('cascade'))
        .addColumn('provider', text, (column) => column.notNull())
        .addColumn('issuer', text, (column) => column.notNull())
        .addColumn('subject', text, (column) => column.notNull())
        .addColumn('email', text, (column) => column.notNull())
        .addColumn('created_at', text, (column) => column.notNull())
        .addColumn('last_used_at', text)
        .addPrimaryKeyConstraint('identities_id_unique', ['id']),
      schema.createIndex('identities_subject_unique').on('identities').columns(['issuer', 'subject']).unique(),
      schema.createIndex('identities_user_id').on('identities').columns(['user_id', 'id']),
    ],
  },
  {
    id: 'login_codes-1-create',
    up: ({ schema, text }) => [
      schema
        .createTable('login_codes')
        .addColumn('mac', text, (column) => column.notNull())
        .addColumn('identity_id', text, (column) => column.notNull().references('identities.id').onDelete('cascade'))
        .addColumn('browser_mac', text)
        .addColumn('challenge', text)
        .addColumn('expires_at', text, (column) => column.notNull())
        .addPrimaryKeyConstraint('login_codes_mac_unique', ['mac']),
      schema.createIndex('login_codes_identity_id').on('login_codes').column('identity_id'),
      schema.createIndex('login_codes_expires_at').on('login_codes').column('expires_at'),
    ],
  },
  {
    id: 'identities-2-unlinked',
    up: ({ schema, text, integer }) => [
      schema
        .createTable('unlinked_identities')
        .addColumn('issuer', text, (column) => column.notNull())
        .addColumn('subject', text, (column) => column.notNull())
        .addColumn('user_id', integer, (column) => column.notNull().references('users.id').onDelete('cascade'))
        .addPrimaryKeyConstraint('unlinked_identities_subject_unique', ['issuer', 'subject']),
      schema.createIndex('unlinked_identities_user_id').on('unlinked_identities').column('user_id'),
      schema.alterTable('login_attempts').addColumn('user_id', integer),
    ],
  },
  {
    id: 'login_attempts-2-linker',
    up: ({ schema, text }) => [
      // Links that were begun before this have no session, and are refused.
      schema.alterTable('login_attempts').addColumn('session_id', text),
      schema.alterTable('login_attempts').addColumn('password_mac', text),
    ],
  },
]
