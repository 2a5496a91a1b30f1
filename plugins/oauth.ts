import type { AddressInfo } from 'node:net'
import fp from 'fastify-plugin'
import { issuerOf } from '../src/auth/access-tokens.ts'
import { clientMigrations } from '../src/auth/oauth/client-sql.ts'
import { OAuthClients } from '../src/auth/oauth/clients.ts'
import { payloadMigrations } from '../src/auth/oauth/payload-sql.ts'
import { Payloads } from '../src/auth/oauth/payloads.ts'
import { OAuthServer } from '../src/auth/oauth/server.ts'
import { looksLikeOAuthToken, OAuthTokens } from '../src/auth/oauth/tokens.ts'

declare module 'fastify' {
  interface FastifyInstance {
    oauth: OAuthServer
  }
}

const hour = 3_600_000

/** The authorization server for machines and third parties; its access tokens as credentials. */
export default fp(
  async (fastify) => {
    const { storage, secrets, audit, access, accounts, sessions, signingKeys, config, log, server } = fastify
    storage.declare([...clientMigrations, ...payloadMigrations])
    const shared = { engine: storage.engine, secrets, audit, knownScopes: access.scopes }
    const payloads = new Payloads(storage.engine, secrets)
    const tokens = new OAuthTokens(payloads, (userId) => accounts.scopesOf(userId), access.scopes)
    const oauth = new OAuthServer({
      ...shared,
      accounts,
      signingKeys,
      payloads,
      tokens,
      log,
      clients: new OAuthClients(shared),
      issuer: () => issuerOf({ ...config, PORT: config.PORT || listeningPort(server.address()) }),
      minutes: config.ACCESS_TOKEN_MINUTES,
      days: config.SESSION_DAYS,
    })
    fastify.decorate('oauth', oauth)
    sessions.follow(oauth)
    access.accept({ recognises: looksLikeOAuthToken, authenticate: (credential) => tokens.authenticate(credential) })
    const forget = () =>
      oauth.forgetExpired().catch((error: unknown) => log.warn({ err: error }, 'expired OAuth tokens stay'))
    let timer: NodeJS.Timeout | undefined
    fastify.addHook('onReady', async () => {
      await forget()
      timer = setInterval(forget, hour).unref()
    })
    fastify.addHook('onClose', async () => clearInterval(timer))
  },
  { name: 'oauth', dependencies: ['storage', 'secrets', 'audit', 'access', 'accounts', 'sessions', 'signing-keys'] },
)

/** The port that was taken, where `PORT` is 0. */
function listeningPort(address: AddressInfo | string | null): number {
  return typeof address === 'object' ? (address?.port ?? 0) : 0
}
