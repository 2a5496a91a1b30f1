/** What users have allowed applications to do, as they see it and take it back. */

import type { Principal } from '../../contract/principal.ts'
import { Problem } from '../../errors.ts'
import type { Audit, Origin } from '../audit.ts'
import type { OAuthClients } from './clients.ts'
import type { Payloads } from './payloads.ts'

/** A consent that is in force. Times are ISO 8601. */
export interface Grant {
  id: string
  clientId: string
  clientName: string
  scopes: string[]
  createdAt: string
  expiresAt: string | null
}

export interface GrantSettings {
  payloads: Payloads
  clients: OAuthClients
  audit: Audit
}

export class Grants {
  readonly #settings: GrantSettings

  constructor(settings: GrantSettings) {
    this.#settings = settings
  }

  async list(userId: number): Promise<Grant[]> {
    const { payloads, clients } = this.#settings
    const found = await payloads.grantsOf(userId)
    return Promise.all(
      found.map(async ({ idHash, clientId = '', openid, iat = 0, exp }) => ({
        id: idHash,
        clientId,
        clientName: (await clients.find(clientId))?.name ?? '',
        scopes: openid?.scope?.split(' ') ?? [],
        createdAt: momentOf(iat),
        expiresAt: exp === undefined ? null : momentOf(exp),
      })),
    )
  }

  /** Ends a grant: within a second its tokens open nothing. @throws {Problem} `not-found` */
  async withdraw(id: string, userId: number, caller: Origin & { principal: Principal }): Promise<void> {
    const { payloads, audit } = this.#settings
    const { principal } = caller
    const entry = { type: 'grant.withdrawn', outcome: 'success', principal, target: `user:${userId}` } as const
    if (await payloads.withdraw(id, userId, [audit.command(entry, caller)])) return
    throw new Problem('not-found', 'Grant not found')
  }
}

function momentOf(seconds: number): string {
  return new Date(seconds * 1000).toISOString()
}
