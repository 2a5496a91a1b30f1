/** What a user looks like from outside. */

import { Type } from '@sinclair/typebox'
import { Email } from '../../src/schemas/email.ts'
import { Enum } from '../../src/schemas/enum.ts'
import { Id } from '../../src/schemas/id.ts'
import { Moment } from '../../src/schemas/moment.ts'
import { idsQuery, pageQuery } from '../../src/schemas/page.ts'

const Name = Type.String({
  minLength: 1,
  maxLength: 200,
  pattern: '\\S',
  description: 'Name, in any script.',
  examples: ['Mohamed'],
})

/** The three fields of a list item. */
export const User = Type.Object(
  { id: Id, name: Name, email: Email },
  { $id: 'User', additionalProperties: false, description: 'A user.' },
)

export const UserDetail = Type.Object(
  {
    ...User.properties,
    createdAt: Moment('When the user was created.'),
    updatedAt: Moment('When the user was last changed.'),
  },
  { $id: 'UserDetail', additionalProperties: false, description: 'A user with timestamps.' },
)

export const UserInput = Type.Object(
  { name: Name, email: Email },
  {
    $id: 'UserInput',
    additionalProperties: false,
    description: 'What a caller says of a user.',
    examples: [{ name: 'Fatima', email: 'fatima@example.com' }],
  },
)

export const UserPatch = Type.Partial(UserInput, {
  $id: 'UserPatch',
  additionalProperties: false,
  description: 'What a caller changes of a user (JSON Merge Patch, RFC 7396).',
  examples: [{ name: 'Mohamed Salah' }],
})

export const UserParams = Type.Object({ id: Id }, { additionalProperties: false })

export const UserQuery = Type.Object(
  {
    ...pageQuery,
    ...idsQuery,
    name: Type.Optional(
      Type.String({ minLength: 1, maxLength: 200, description: 'Only names that begin so; case is ignored.' }),
    ),
    email: Type.Optional(
      Type.String({ minLength: 1, maxLength: 254, description: 'Only this address; case is ignored.' }),
    ),
    sort: Type.Optional(
      Enum(['id', '-id', 'name', '-name', 'email', '-email'], {
        default: 'id',
        description: 'Order; `-` before a property for descending.',
      }),
    ),
  },
  { additionalProperties: false },
)
