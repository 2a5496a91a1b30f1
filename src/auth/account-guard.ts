/** What the users API may do to those users who have accounts: an administrator's is for administrators, and changes are on record. */

import type { FastifyRequest, RouteOptions } from 'fastify'
import { adminScope, holds } from '../contract/principal.ts'
import { Problem } from '../errors.ts'
import { type AccountParts, type Caller, masked, targetOf } from './account-parts.ts'
import type { Person } from './account-sql.ts'
import { refuseFleeting } from './fleeting.ts'

/** The operations that change a user, by the id in their path. */
const changes = new Set(['replaceUser', 'updateUser', 'deleteUser'])

export class AccountGuard {
  readonly #parts: AccountParts
  /** Users with accounts as they were before the change. */
  readonly #before = new WeakMap<FastifyRequest, Person>()

  constructor(parts: AccountParts) {
    this.#parts = parts
  }

  /** Guards a route, if it changes users. */
  guard(route: RouteOptions): void {
    if (!changes.has(route.schema?.operationId ?? '')) return
    route.preHandler = [...[route.preHandler ?? []].flat(), async (request: FastifyRequest) => this.#admit(request)]
    route.onResponse = [
      ...[route.onResponse ?? []].flat(),
      async (request: FastifyRequest, { statusCode }: { statusCode: number }) => {
        const before = this.#before.get(request)
        if (before === undefined || statusCode >= 300) return
        const { id, ip, principal } = request
        this.#parts.afterwards.run(() => this.#record(before, { id, ip, principal }))
      },
    ]
  }

  /** @throws {Problem} `forbidden` for an administrator's account, to a principal that is none, or not for good. */
  async #admit(request: FastifyRequest): Promise<void> {
    const { id } = request.params as { id: number }
    const person = await this.#parts.byId(id)
    if (person === undefined || person.role === null) return
    if (person.role === 'admin') {
      if (!holds(request.principal, adminScope))
        throw new Problem('forbidden', 'Only an administrator can change or delete an administrator')
      refuseFleeting(request.principal)
    }
    this.#before.set(request, person)
  }

  async #record(before: Person, caller: Caller): Promise<void> {
    const after = await this.#parts.byId(before.userId)
    if (after?.emailKey === before.emailKey) return
    const about = { outcome: 'success', principal: caller.principal, target: targetOf(before) } as const
    const was = masked(before.email)
    const entry =
      after === undefined
        ? { ...about, type: 'account.deleted', detail: was }
        : { ...about, type: 'account.address-changed', detail: `${was} to ${masked(after.email)}` }
    await this.#parts.audit.record(entry, caller)
  }
}
