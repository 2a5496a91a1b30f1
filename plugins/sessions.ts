import fp from 'fastify-plugin'
import { AccessTokens, issuerOf, looksLikeJwt } from '../src/auth/access-tokens.ts'
import { sessionMigrations } from '../src/auth/session-sql.ts'
import { Sessions } from '../src/auth/sessions.ts'

declare module 'fastify' {
  interface FastifyInstance {
    sessions: Sessions
  }
}

/** Sessions of those who sign in; their access tokens as credentials. */
export default fp(
  async (fastify) => {
    const { storage, secrets, audit, access, accounts, signingKeys, config } = fastify
    storage.declare(sessionMigrations)
    const sessions = new Sessions({
      engine: storage.engine,
      secrets,
      audit,
      tokens: new AccessTokens(signingKeys, { issuer: issuerOf(config), minutes: config.ACCESS_TOKEN_MINUTES }),
      scopesOf: (userId) => accounts.scopesOf(userId),
      notice: (kind, userId, client) => accounts.notice(kind, userId, client),
      days: config.SESSION_DAYS,
    })
    fastify.decorate('sessions', sessions)
    access.accept({ recognises: looksLikeJwt, authenticate: (credential) => sessions.authenticate(credential) })
    fastify.hourly(() => sessions.forgetExpired(), 'old sessions stay')
  },
  { name: 'sessions', dependencies: ['storage', 'secrets', 'audit', 'access', 'accounts', 'signing-keys', 'hourly'] },
)
