/** What signing up and in look like from outside, and an account. */

import { Type } from '@sinclair/typebox'
import { Email } from '../../src/schemas/email.ts'
import { Enum } from '../../src/schemas/enum.ts'
import { Id } from '../../src/schemas/id.ts'
import { Moment } from '../../src/schemas/moment.ts'

/** What would break the line of a message. */
const unprintable = '\\p{Cc}\\p{Zl}\\p{Zp}'

const Name = Type.String({
  minLength: 1,
  maxLength: 200,
  pattern: `^[^${unprintable}]*[^\\s${unprintable}][^${unprintable}]*$`,
  description: 'Name, in any script, in one line.',
  examples: ['Fatima'],
})

const NewPassword = Type.String({
  minLength: 10,
  maxLength: 128,
  description: 'Password, in any script; neither a common one nor made of name or address.',
  examples: ['violet tram at noon'],
})

/** As it was once chosen: a keyboard may compose its letters otherwise, to more characters. */
const Password = Type.String({
  minLength: 1,
  maxLength: 512,
  description: 'Password.',
  examples: ['violet tram at noon'],
})

const Token = Type.String({
  pattern: '^[\\w-]{43}$',
  description: 'Token of the message; good once.',
  examples: ['qhNqYV9Cq0pTgnQn3cZ7mJ3vR5tD8wX2bK6fL1sE4yA'],
})

export const SignUpInput = Type.Object(
  { name: Name, email: Email, password: NewPassword },
  { $id: 'SignUpInput', additionalProperties: false, description: 'Who wants an account.' },
)

export const SignInInput = Type.Object(
  { email: Email, password: Password },
  { $id: 'SignInInput', additionalProperties: false, description: 'Who signs in.' },
)

export const EmailVerification = Type.Object(
  { token: Token, password: Password },
  {
    $id: 'EmailVerification',
    additionalProperties: false,
    description: 'Proof of who reads an address, and that it is who signed up.',
  },
)

export const PasswordResetRequest = Type.Object(
  { email: Email },
  { $id: 'PasswordResetRequest', additionalProperties: false, description: 'Who has forgotten a password.' },
)

export const PasswordReset = Type.Object(
  { token: Token, password: NewPassword },
  {
    $id: 'PasswordReset',
    additionalProperties: false,
    description: 'Another password, and proof of who reads the address.',
  },
)

export const PasswordChange = Type.Object(
  { currentPassword: Password, newPassword: NewPassword },
  { $id: 'PasswordChange', additionalProperties: false, description: 'Another password in place of the present one.' },
)

export const Accepted = Type.Object(
  {
    detail: Type.String({
      description: 'What happens now; the same for every address.',
      examples: ['A message is on its way to the address, if it can get one'],
    }),
  },
  {
    $id: 'Accepted',
    additionalProperties: false,
    description: 'The request is accepted; nothing is said of the address.',
  },
)

const rights = {
  role: Enum(['member', 'admin'], { description: 'What the user may do.', examples: ['member'] }),
  disabled: Type.Boolean({ description: 'Whether the user is kept from signing in.', examples: [false] }),
}

export const Account = Type.Object(
  {
    id: Id,
    ...rights,
    emailVerified: Type.Boolean({
      description: 'Whether the present address of the user is verified.',
      examples: [true],
    }),
    createdAt: Moment('When the account was made.'),
    updatedAt: Moment('When the account was last changed.'),
  },
  { $id: 'Account', additionalProperties: false, description: 'The account of a user.' },
)

export const AccountInput = Type.Object(rights, {
  $id: 'AccountInput',
  additionalProperties: false,
  description: 'What an administrator sets of an account.',
})

export const AccountParams = Type.Object(
  { id: Type.Integer({ ...Id, description: 'Identifier of the user.' }) },
  { additionalProperties: false },
)
