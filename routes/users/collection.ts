/** How users are stored. */

import type { Declaration } from '../../src/schemas/collection.ts'
import { fold, normaliseEmail } from '../../src/schemas/email.ts'
import { eventsOf } from '../../src/schemas/event.ts'
import { UserDetail, UserInput } from './schema.ts'

export const userCollection: Declaration<typeof UserInput> = {
  name: 'users',
  label: 'User',
  input: UserInput,
  keys: {
    nameKey: { of: 'name', normalise: fold },
    emailKey: { of: 'email', normalise: normaliseEmail, unique: true },
  },
  filters: { name: 'startsWith', email: 'equals' },
  events: eventsOf('user', '/users', { data: UserDetail, scope: 'users:read' }),
  migrations: [
    {
      id: 'users-1-create',
      up: ({ schema, createCollection, text }) => [
        createCollection('users')
          .addColumn('name', text, (column) => column.notNull())
          .addColumn('name_key', text, (column) => column.notNull())
          .addColumn('email', text, (column) => column.notNull())
          .addColumn('email_key', text, (column) => column.notNull()),
        schema.createIndex('users_email_key_unique').on('users').column('email_key').unique(),
        schema.createIndex('users_name_key').on('users').columns(['name_key', 'id']),
      ],
    },
  ],
  seed: [
    { name: 'Mohamed', email: 'mohamed@example.com' },
    { name: 'Ali', email: 'ali@example.com' },
  ],
}
