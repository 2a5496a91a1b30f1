/** What an API key looks like from outside. */

import { Type } from '@sinclair/typebox'
import { Key, KeyName } from '../../src/schemas/key.ts'
import { pageQuery } from '../../src/schemas/page.ts'
import { rotation } from '../../src/schemas/rotation.ts'
import { Scopes } from '../../src/schemas/scopes.ts'

export { Key }

export const NewKey = Type.Object(
  {
    ...Key.properties,
    key: Type.String({
      description: 'The key itself. It is shown this once and cannot be read again.',
      examples: ['spt_3fk0Qm9ZtB7x_K0v2yq1Zb8Rj5mXw4Nc7Lt6Hd9Fs3GpQ1aB2cD'],
    }),
  },
  { $id: 'NewKey', additionalProperties: false, description: 'An API key with its secret.' },
)

export const KeyInput = Type.Object(
  {
    name: KeyName,
    scopes: Scopes,
    expiresAt: Type.Optional(
      Type.String({
        format: 'date-time',
        description: 'When it stops to be good. Without it: when the key that makes it does, or never.',
      }),
    ),
  },
  {
    $id: 'KeyInput',
    additionalProperties: false,
    description: 'What a new key is for and may do.',
    examples: [{ name: 'nightly import', scopes: ['users:read'] }],
  },
)

export const KeyPatch = Type.Object(
  { name: KeyName },
  { $id: 'KeyPatch', additionalProperties: false, description: 'What can be changed of a key.' },
)

export const KeyRotation = Type.Object(rotation, {
  $id: 'KeyRotation',
  additionalProperties: false,
  description: 'How a key gets a new secret.',
})

export const KeyQuery = Type.Object(
  {
    ...pageQuery,
    createdBy: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 200,
        description: 'Who made them.',
        examples: ['api-key:3fk0Qm9ZtB7x'],
      }),
    ),
  },
  { additionalProperties: false },
)

export const KeyParams = Type.Object(
  {
    id: Type.String({
      pattern: '^[0-9A-Za-z]{12}$',
      description: 'Identifier of the key.',
      examples: ['3fk0Qm9ZtB7x'],
    }),
  },
  { additionalProperties: false },
)
