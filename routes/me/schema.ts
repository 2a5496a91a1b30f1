/** How a caller sees itself. */

import { Type } from '@sinclair/typebox'
import { Email } from '../../src/schemas/email.ts'
import { Enum } from '../../src/schemas/enum.ts'
import { Id } from '../../src/schemas/id.ts'
import { Scopes } from '../../src/schemas/scopes.ts'

export const Me = Type.Object(
  {
    kind: Enum(['user', 'api-key', 'client'], {
      description: 'How the caller has proved who it is.',
      examples: ['user'],
    }),
    id: Type.String({ description: 'Stable name of the caller.', examples: ['user:1'] }),
    scopes: Type.Array(Scopes.items, { description: 'What the caller may do.', examples: [['users:read']] }),
    user: Type.Optional(
      Type.Object(
        {
          id: Id,
          name: Type.String({ description: 'Name.', examples: ['Mohamed'] }),
          email: Email,
          emailVerified: Type.Boolean({ description: 'Whether the address is verified.', examples: [true] }),
          role: Enum(['member', 'admin'], { description: 'What the user may do.', examples: ['member'] }),
        },
        { additionalProperties: false, description: 'The user that the caller is, or acts for.' },
      ),
    ),
  },
  { $id: 'Me', additionalProperties: false, description: 'Who calls, and what they may do.' },
)
