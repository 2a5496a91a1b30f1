/** What an OAuth client looks like from outside. */

import { Type } from '@sinclair/typebox'
import { Enum } from '../../src/schemas/enum.ts'
import { MaybeMoment, Moment } from '../../src/schemas/moment.ts'
import { pageQuery } from '../../src/schemas/page.ts'
import { rotation } from '../../src/schemas/rotation.ts'
import { Scopes } from '../../src/schemas/scopes.ts'

const ClientId = Type.String({
  pattern: '^[0-9a-f]{16}$',
  description: 'Identifier; the `client_id` of its requests.',
  examples: ['9f86d081884c7d65'],
})

const described = {
  name: Type.String({
    minLength: 1,
    maxLength: 100,
    pattern: '\\S',
    description: 'What users are told that asks for their consent.',
    examples: ['Reports'],
  }),
  clientType: Enum(['confidential', 'public'], {
    description:
      'Whether it can keep a secret: a server can, an application on its user’s device cannot (RFC 6749 section 2.1).',
    examples: ['confidential'],
  }),
  grantTypes: Type.Array(
    Enum(['client_credentials', 'authorization_code', 'refresh_token'], { examples: ['authorization_code'] }),
    {
      minItems: 1,
      uniqueItems: true,
      description:
        'How it gets tokens. Codes need PKCE with S256; a refresh token is given with the scope `offline_access`.',
      examples: [['authorization_code', 'refresh_token']],
    },
  ),
  scopes: Type.Array(Scopes.items, {
    minItems: 1,
    maxItems: 50,
    uniqueItems: true,
    description: 'What it may ask for; beside scopes of operations `openid`, `profile` and `email`.',
    examples: [['openid', 'users:read']],
  }),
}

const RedirectUris = Type.Array(Type.String({ maxLength: 500, examples: ['https://reports.example.com/callback'] }), {
  maxItems: 20,
  uniqueItems: true,
  description:
    'Where users are sent back to, compared as written: `https`, a loopback address, or for a public client a scheme of its own such as `com.example.app:/callback`. Public clients may use any port of a registered loopback address.',
  examples: [['https://reports.example.com/callback']],
})

export const OAuthClient = Type.Object(
  {
    id: ClientId,
    ...described,
    redirectUris: RedirectUris,
    createdBy: Type.String({ description: 'Who made it.', examples: ['user:1'] }),
    createdAt: Moment('When it was made.'),
    previousUntil: MaybeMoment('Until when the secret that the last rotation replaced is good.'),
  },
  { $id: 'OAuthClient', additionalProperties: false, description: 'An OAuth client, without its secret.' },
)

export const NewOAuthClient = Type.Object(
  {
    ...OAuthClient.properties,
    clientSecret: Type.Optional(
      Type.String({
        description: 'The secret of a confidential client. It is shown this once and cannot be read again.',
        examples: ['sptc_qhNqYV9Cq0pTgnQn3cZ7mJ3vR5tD8wX2bK6fL1sE4yA'],
      }),
    ),
  },
  { $id: 'NewOAuthClient', additionalProperties: false, description: 'An OAuth client with its secret.' },
)

export const OAuthClientInput = Type.Object(
  { ...described, redirectUris: Type.Optional(RedirectUris) },
  { $id: 'OAuthClientInput', additionalProperties: false, description: 'What a new client is and may ask for.' },
)

export const SecretRotation = Type.Object(rotation, {
  $id: 'SecretRotation',
  additionalProperties: false,
  description: 'How a client gets a new secret.',
})

export const OAuthClientQuery = Type.Object(
  {
    ...pageQuery,
    createdBy: Type.Optional(
      Type.String({ minLength: 1, maxLength: 200, description: 'Who made them.', examples: ['user:1'] }),
    ),
  },
  { additionalProperties: false },
)

export const OAuthClientParams = Type.Object({ id: ClientId }, { additionalProperties: false })
