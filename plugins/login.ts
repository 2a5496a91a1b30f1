import type { AddressInfo } from 'node:net'
import fp from 'fastify-plugin'
import { Login } from '../src/auth/login/login.ts'
import { loginMigrations } from '../src/auth/login/migrations.ts'
import { readLoginSettings } from '../src/auth/login/settings.ts'

declare module 'fastify' {
  interface FastifyInstance {
    login: Login
  }
}

const hour = 3_600_000

/** Login with those providers that the settings name. */
export default fp(
  async (fastify) => {
    const { storage, secrets, audit, accounts, sessions, config, log } = fastify
    storage.declare(loginMigrations)
    const login = new Login({
      settings: readLoginSettings(config),
      store: storage,
      secrets,
      audit,
      accounts,
      sessions,
      signUp: config.SIGN_UP ?? config.NODE_ENV !== 'production',
      baseUrl: () => config.PUBLIC_URL ?? `http://localhost:${listeningPort(fastify.server.address()) ?? config.PORT}`,
      log,
    })
    fastify.decorate('login', login)
    if (!login.offered) return
    const forget = async () => (await login.flow()).forget()
    const timer = setInterval(() => {
      forget().catch((error: unknown) => log.warn({ err: error }, 'old logins stay'))
    }, hour).unref()
    fastify.addHook('onClose', async () => clearInterval(timer))
  },
  { name: 'login', dependencies: ['storage', 'secrets', 'audit', 'accounts', 'sessions'] },
)

/** The port that was taken, where `PORT` is 0. */
function listeningPort(address: AddressInfo | string | null): number | undefined {
  return typeof address === 'object' ? address?.port : undefined
}
