import fp from 'fastify-plugin'
import { Allowances } from '../src/auth/account-allowances.ts'
import { clientMigrations } from '../src/auth/oauth/client-sql.ts'
import { OAuthClients } from '../src/auth/oauth/clients.ts'
import { payloadMigrations } from '../src/auth/oauth/payload-sql.ts'
import { Payloads } from '../src/auth/oauth/payloads.ts'
import { OAuthServer } from '../src/auth/oauth/server.ts'
import { SignIns, signInMigrations } from '../src/auth/oauth/sign-ins.ts'
import { looksLikeOAuthToken, OAuthTokens } from '../src/auth/oauth/tokens.ts'
import { idTokenKeys } from '../src/auth/signing-key.ts'
import { SigningKeys } from '../src/auth/signing-keys.ts'

declare module 'fastify' {
  interface FastifyInstance {
    oauth: OAuthServer
  }
}

/** The authorization server for machines and third parties; its access tokens as credentials. */
export default fp(
  async (fastify) => {
    const { storage, secrets, audit, access, accounts, sessions, config, log } = fastify
    storage.declare([...clientMigrations, ...payloadMigrations, ...signInMigrations])
    const shared = { engine: storage.engine, secrets, audit, knownScopes: access.scopes }
    const payloads = new Payloads(storage.engine, secrets)
    const tokens = new OAuthTokens(payloads, (userId) => accounts.scopesOf(userId), access.scopes)
    const keys = new SigningKeys(storage.engine, secrets, {
      kind: idTokenKeys,
      days: config.SIGNING_KEY_DAYS,
      warn: (message, error) => log.warn({ err: error }, message),
    })
    const oauth = new OAuthServer({
      ...shared,
      accounts,
      idTokenKeys: keys,
      payloads,
      tokens,
      allowances: new Allowances(storage.engine, secrets),
      log,
      clients: new OAuthClients(shared),
      signIns: new SignIns(storage.engine),
      issuer: () => fastify.publicUrl(),
      minutes: config.ACCESS_TOKEN_MINUTES,
      days: config.SESSION_DAYS,
    })
    fastify.decorate('oauth', oauth)
    sessions.follow(oauth)
    access.accept({ recognises: looksLikeOAuthToken, authenticate: (credential) => tokens.authenticate(credential) })
    fastify.addHook('onReady', () => keys.start())
    fastify.addHook('onClose', async () => keys.stop())
    fastify.hourly(() => oauth.forgetExpired(), 'expired OAuth tokens stay')
  },
  {
    name: 'oauth',
    dependencies: [
      'storage',
      'secrets',
      'audit',
      'access',
      'accounts',
      'sessions',
      'signing-keys',
      'hourly',
      'public-url',
    ],
  },
)
