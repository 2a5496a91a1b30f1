/** What logins with other parties look like from outside. */

import { Type } from '@sinclair/typebox'
import { MaybeMoment, Moment } from '../../src/schemas/moment.ts'

const ProviderId = Type.String({
  pattern: '^[a-z]{1,20}$',
  description: 'Name of the provider in addresses.',
  examples: ['google'],
})

const Label = Type.String({ description: 'Name of the provider, for people.', examples: ['Google'] })

export const LoginProvider = Type.Object(
  {
    id: ProviderId,
    label: Label,
    url: Type.String({
      format: 'uri',
      description: 'Where a browser begins; `redirect` and `challenge` may be added.',
      examples: ['https://api.example.com/auth/login/google'],
    }),
  },
  { $id: 'LoginProvider', additionalProperties: false, description: 'With whom a person can log in.' },
)

export const ProviderParams = Type.Object({ provider: ProviderId }, { additionalProperties: false })

export const LoginQuery = Type.Object(
  {
    redirect: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 2000,
        description: 'Where the browser returns to: one of `LOGIN_REDIRECTS`.',
        examples: ['https://app.example.com/signed-in'],
      }),
    ),
    // S256 is 43 characters (RFC 7636 section 4.2).
    challenge: Type.Optional(
      Type.String({
        pattern: '^[\\w-]{43}$',
        description: 'S256 of a verifier (RFC 7636): who knows it may exchange the code.',
        examples: ['E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM'],
      }),
    ),
  },
  { additionalProperties: false },
)

export const LinkInput = Type.Object(
  { provider: ProviderId, ...LoginQuery.properties },
  { $id: 'LinkInput', additionalProperties: false, description: 'With whom the caller wants to log in, too.' },
)

export const LinkBeginning = Type.Object(
  {
    url: Type.String({
      format: 'uri',
      description: 'Where this browser goes on.',
      examples: ['https://accounts.google.com/o/oauth2/v2/auth?client_id=septet'],
    }),
  },
  { $id: 'LinkBeginning', additionalProperties: false, description: 'How linking goes on.' },
)

export const LoginExchange = Type.Object(
  {
    code: Type.String({
      pattern: '^[\\w-]{43}$',
      description: 'Code that the finished login has returned with; good once, for a minute.',
      examples: ['qhNqYV9Cq0pTgnQn3cZ7mJ3vR5tD8wX2bK6fL1sE4yA'],
    }),
    verifier: Type.Optional(
      Type.String({
        pattern: '^[\\w.~-]{43,128}$',
        description: 'What `challenge` was made from (RFC 7636); needed where the login was begun with one.',
        examples: ['dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk'],
      }),
    ),
  },
  { $id: 'LoginExchange', additionalProperties: false, description: 'What a finished login is exchanged with.' },
)

const IdentityId = Type.String({
  pattern: '^[\\w-]{22}$',
  description: 'Identifier.',
  examples: ['Jd3vQ0m8ZtB7xW2kLr5sYg'],
})

export const Identity = Type.Object(
  {
    id: IdentityId,
    provider: ProviderId,
    email: Type.String({
      description: 'Address at the provider when it was linked.',
      examples: ['fatima@example.com'],
    }),
    createdAt: Moment('When it was linked.'),
    lastUsedAt: MaybeMoment('When a session was last begun with it.'),
  },
  { $id: 'Identity', additionalProperties: false, description: 'Another party by which a user signs in.' },
)

export const IdentityParams = Type.Object({ id: IdentityId }, { additionalProperties: false })
