/** What the users API may do to those users who have accounts: an administrator's is for administrators, and changes are on record. */

import type { FastifyRequest, RouteOptions } from 'fastify'
import { adminScope, holds } from '../contract/principal.ts'
import { Problem } from '../errors.ts'
import { normaliseEmail } from '../schemas/email.ts'
import type { Command } from '../storage/storage.ts'
import { type AccountParts, masked, targetOf } from './account-parts.ts'
import type { Person } from './account-sql.ts'
import { refuseFleeting } from './fleeting.ts'

/** The operations that change a user, by the id in their path. */
const changes = new Set(['replaceUser', 'updateUser', 'deleteUser'])

export class AccountGuard {
  readonly #parts: AccountParts

  constructor(parts: AccountParts) {
    this.#parts = parts
  }

  /** Guards a route, if it changes users. */
  guard(route: RouteOptions): void {
    if (!changes.has(route.schema?.operationId ?? '')) return
    route.preHandler = [...[route.preHandler ?? []].flat(), async (request: FastifyRequest) => this.#admit(request)]
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
    const behind = [...(request.alongside?.behind ?? []), ...this.#entries(person, request)]
    request.alongside = { ...request.alongside, behind }
  }

  /** What goes on record with the change: the end of an account, or another address. */
  #entries(person: Person, request: FastifyRequest): Command[] {
    const { principal, method } = request
    const about = { outcome: 'success', principal, target: targetOf(person) } as const
    const was = masked(person.email)
    if (method === 'DELETE')
      return [this.#parts.audit.command({ ...about, type: 'account.deleted', detail: was }, request)]
    const { email } = request.body as { email?: string }
    if (email === undefined || normaliseEmail(email) === person.emailKey) return []
    const detail = `${was} to ${masked(email)}`
    return [this.#parts.audit.command({ ...about, type: 'account.address-changed', detail }, request)]
  }
}
