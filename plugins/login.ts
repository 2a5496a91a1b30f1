import fp from 'fastify-plugin'
import { Login } from '../src/auth/login/login.ts'
import { loginMigrations } from '../src/auth/login/migrations.ts'
import { readLoginSettings } from '../src/auth/login/settings.ts'
import { offersSignUp } from '../src/config.ts'

declare module 'fastify' {
  interface FastifyInstance {
    login: Login
  }
}

/** Login with those providers that the settings name. */
export default fp(
  async (fastify) => {
    const { storage, secrets, audit, notices, accounts, sessions, config, log } = fastify
    storage.declare(loginMigrations)
    const login = new Login({
      settings: readLoginSettings(config),
      store: storage,
      secrets,
      audit,
      notices,
      accounts,
      sessions,
      signUp: offersSignUp(config),
      baseUrl: () => fastify.publicUrl(),
      log,
    })
    fastify.decorate('login', login)
    if (!login.offered) return
    fastify.hourly(async () => (await login.flow()).forget(), 'old logins stay')
  },
  {
    name: 'login',
    dependencies: ['storage', 'secrets', 'audit', 'notices', 'accounts', 'sessions', 'hourly', 'public-url'],
  },
)
