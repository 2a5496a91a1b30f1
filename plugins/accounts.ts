import fp from 'fastify-plugin'
import { Counter, Gauge, type Registry } from 'prom-client'
import { AccountParts } from '../src/auth/account-parts.ts'
import { Accounts, migrations } from '../src/auth/accounts.ts'
import { offersSignUp, scopesOf } from '../src/config.ts'
import type { Alongside } from '../src/storage/storage.ts'

declare module 'fastify' {
  interface FastifyInstance {
    accounts: Accounts
  }
  interface FastifyRequest {
    /** What is to be written along with the change that the request makes, in the same transaction. */
    alongside?: Alongside | undefined
  }
}

const day = 86_400_000

/** Accounts of users: signing up and in, passwords, roles. */
export default fp(
  async (fastify) => {
    const { storage, secrets, audit, notices, access, config, metrics } = fastify
    storage.declare(migrations)
    const accounts = new Accounts(new AccountParts(storage, secrets, audit, notices), {
      memberScopes: scopesOf(config.MEMBER_SCOPES),
      signUp: offersSignUp(config),
    })
    fastify.decorate('accounts', accounts)
    access.scopesOf = (userId) => accounts.scopesOf(userId)
    measure(metrics, accounts)
    fastify.decorateRequest('alongside')
    fastify.addHook('onRoute', (route) => accounts.guard.guard(route))
    accounts.afterwards.onError = (error) => fastify.log.warn({ err: error }, 'work after an answer has failed')
    fastify.hourly(() => accounts.forget(), 'old account records stay')
    fastify.hourly(() => accounts.abandoned.forgetAfter(config.UNVERIFIED_DAYS * day), 'sign-ups nobody verified stay')
    fastify.addHook('onClose', async () => {
      await accounts.afterwards.done()
      await accounts.passwords.close()
    })
  },
  { name: 'accounts', dependencies: ['storage', 'secrets', 'audit', 'notices', 'access', 'metrics', 'hourly'] },
)

/** What hashing does: its total, and how long the queue is. */
function measure(registry: Registry, { passwords }: Accounts): void {
  const total = { name: 'password_hashes_total', help: 'Password hashes computed, verifications among them.' }
  const waiting = { name: 'password_hashes_waiting', help: 'Requests that wait for a password to be hashed.' }
  new Counter({
    ...total,
    registers: [registry],
    collect() {
      this.reset()
      this.inc(passwords.computed)
    },
  })
  new Gauge({
    ...waiting,
    registers: [registry],
    collect() {
      this.set(passwords.waiting)
    },
  })
}
