/** What a user's consent looks like from outside. */

import { Type } from '@sinclair/typebox'
import { MaybeMoment, Moment } from '../../src/schemas/moment.ts'

const GrantId = Type.String({
  pattern: '^[\\w-]{43}$',
  description: 'Identifier.',
  examples: ['qhNqYV9Cq0pTgnQn3cZ7mJ3vR5tD8wX2bK6fL1sE4yA'],
})

export const Grant = Type.Object(
  {
    id: GrantId,
    clientId: Type.String({ description: 'The application.', examples: ['9f86d081884c7d65'] }),
    clientName: Type.String({ description: 'Its name.', examples: ['Reports'] }),
    scopes: Type.Array(Type.String({ examples: ['users:read'] }), {
      description: 'What it was allowed; it opens no more than the caller holds at that moment.',
      examples: [['openid', 'users:read']],
    }),
    createdAt: Moment('When it was first allowed.'),
    expiresAt: MaybeMoment('When it has to ask again.'),
  },
  { $id: 'Grant', additionalProperties: false, description: 'What the caller has allowed an application.' },
)

export const GrantParams = Type.Object({ id: GrantId }, { additionalProperties: false })
