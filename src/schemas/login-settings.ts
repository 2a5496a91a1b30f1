/** The settings of logins with other issuers, among all others in `config.ts`. */

import { Type } from '@sinclair/typebox'

export const loginSettings = {
  GOOGLE_CLIENT_ID: Type.Optional(Type.String({ description: 'Client of Google that people log in through.' })),
  GOOGLE_CLIENT_SECRET: Type.Optional(Type.String({ description: 'Its secret.' })),
  GITHUB_CLIENT_ID: Type.Optional(Type.String({ description: 'OAuth app of GitHub that people log in through.' })),
  GITHUB_CLIENT_SECRET: Type.Optional(Type.String({ description: 'Its secret.' })),
  GITHUB_URL: Type.String({ default: 'https://github.com', description: 'GitHub, or a GitHub Enterprise Server.' }),
  GITHUB_API_URL: Type.Optional(
    Type.String({ description: 'Its API; `https://api.github.com`, for another `GITHUB_URL` its `/api/v3`.' }),
  ),
  OIDC_ISSUER: Type.Optional(Type.String({ description: 'A further OpenID Connect issuer to log in with.' })),
  OIDC_CLIENT_ID: Type.Optional(Type.String({ description: 'Client of that issuer.' })),
  OIDC_CLIENT_SECRET: Type.Optional(Type.String({ description: 'Its secret.' })),
  OIDC_NAME: Type.String({ default: 'OpenID Connect', description: 'What that issuer is called on a button.' }),
  LOGIN_REDIRECTS: Type.String({
    default: '',
    description: 'URLs that a finished login may return to, to the letter; separated by commas.',
  }),
}
