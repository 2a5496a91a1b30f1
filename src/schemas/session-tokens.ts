/** The pair of tokens that a session gives: at sign-in, and at each refresh. */

import { Type } from '@sinclair/typebox'

/** Members of RFC 6749 section 5.1, named as this API names things. */
export const SessionTokens = Type.Object(
  {
    accessToken: Type.String({
      description: 'Sent as `Authorization: Bearer`; a JWT (RFC 9068).',
      examples: ['eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl'],
    }),
    tokenType: Type.Literal('Bearer', { description: 'How the access token is sent.', examples: ['Bearer'] }),
    expiresIn: Type.Integer({
      minimum: 1,
      description: 'How long the access token is good for, in seconds.',
      examples: [600],
    }),
    refreshToken: Type.String({
      description: 'Gives the next pair, once. Whoever uses it a second time ends the session.',
      examples: ['sptr_qhNqYV9Cq0pTgnQn3cZ7mJ3vR5tD8wX2bK6fL1sE4yA'],
    }),
    scope: Type.String({
      description: 'What the access token allows: scopes separated by spaces.',
      examples: ['users:read keys:read'],
    }),
  },
  { $id: 'SessionTokens', additionalProperties: false, description: 'An access token, and what renews it.' },
)
