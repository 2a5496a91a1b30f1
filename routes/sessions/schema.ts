/** What a session looks like from outside. */

import { Type } from '@sinclair/typebox'
import { Moment } from '../../src/schemas/moment.ts'

const SessionId = Type.String({
  pattern: '^[A-Za-z0-9_-]{22}$',
  description: 'Identifier; the `sid` of its access tokens.',
  examples: ['Jd3vQ0m8ZtB7xW2kLr5sYg'],
})

export const Session = Type.Object(
  {
    id: SessionId,
    createdAt: Moment('When its user signed in.'),
    lastUsedAt: Moment('When it was last refreshed.'),
    address: Type.String({ description: 'Network address that it was last refreshed from.', examples: ['192.0.2.1'] }),
    userAgent: Type.String({
      description: 'What its client calls itself; empty when it does not say.',
      examples: ['Mozilla/5.0 (X11; Linux x86_64) Firefox/146.0'],
    }),
    current: Type.Boolean({ description: 'Whether it is the one that asks.', examples: [true] }),
  },
  { $id: 'Session', additionalProperties: false, description: 'Where a user is signed in.' },
)

export const RefreshInput = Type.Object(
  {
    refreshToken: Type.String({
      maxLength: 200,
      description: 'The refresh token that was given last.',
      examples: ['sptr_qhNqYV9Cq0pTgnQn3cZ7mJ3vR5tD8wX2bK6fL1sE4yA'],
    }),
  },
  { $id: 'RefreshInput', additionalProperties: false, description: 'What renews a session.' },
)

export const SessionParams = Type.Object({ id: SessionId }, { additionalProperties: false })
