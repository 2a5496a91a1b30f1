/** What is known of an API key, without its secret. */

import { Type } from '@sinclair/typebox'
import { MaybeMoment, Moment } from './moment.ts'
import { Scopes } from './scopes.ts'

export const KeyName = Type.String({
  minLength: 1,
  maxLength: 200,
  pattern: '\\S',
  description: 'What the key is for.',
  examples: ['nightly import'],
})

export const Key = Type.Object(
  {
    id: Type.String({ description: 'Identifier; the middle part of the key.', examples: ['3fk0Qm9ZtB7x'] }),
    name: KeyName,
    scopes: Scopes,
    createdBy: Type.String({ description: 'Who made it.', examples: ['user:1'] }),
    createdAt: Moment('When it was made.'),
    expiresAt: MaybeMoment('When it stops to be good; null for never.'),
    lastUsedAt: MaybeMoment('When it was last used, to some seconds.'),
    revokedAt: MaybeMoment('When it was revoked.'),
    previousUntil: MaybeMoment('Until when the secret that the last rotation replaced is good.'),
  },
  { $id: 'Key', additionalProperties: false, description: 'An API key, without its secret.' },
)
