/** What users have allowed applications to do, as they see it and take it back. */

import type { Principal } from '../../contract/principal.ts'
import { Problem } from '../../errors.ts'
import type { Audit, Origin } from '../audit.ts'
import type { OAuthClients } from './clients.ts'
import type { Payload, Payloads } from './payloads.ts'

/** What an application was allowed, in whatever browser, as far as it is in force. Times are ISO 8601. */
export interface Grant {
  /** Of the consent that was given last. */
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
    const found = (await payloads.grantsOf(userId)).toSorted((one, other) => (other.iat ?? 0) - (one.iat ?? 0))
    const byClient = Map.groupBy(found, ({ clientId = '' }) => clientId)
    return Promise.all(
      [...byClient].map(async ([clientId, grants]) => ({
        id: grants[0]?.idHash ?? '',
        clientId,
        clientName: (await clients.find(clientId))?.name ?? '',
        scopes: [...new Set(grants.flatMap(({ openid }) => openid?.scope?.split(' ') ?? []))],
        createdAt: momentOf(Math.min(...grants.map(({ iat = 0 }) => iat))),
        expiresAt: latestOf(grants),
      })),
    )
  }

  /** Ends what an application was allowed: within a second its tokens open nothing. @throws {Problem} `not-found` */
  async withdraw(id: string, userId: number, caller: Origin & { principal: Principal }): Promise<void> {
    const { payloads, audit } = this.#settings
    const { principal } = caller
    const entry = { type: 'grant.withdrawn', outcome: 'success', principal, target: `user:${userId}` } as const
    const grant = (await payloads.grantsOf(userId)).find(({ idHash }) => idHash === id)
    if (grant?.clientId) {
      const named = { idHash: id, clientId: grant.clientId }
      if (await payloads.withdraw(named, userId, [audit.command(entry, caller)])) return
    }
    throw new Problem('not-found', 'Grant not found')
  }
}

function latestOf(grants: readonly Pick<Payload, 'exp'>[]): string | null {
  const ends = grants.map(({ exp = Number.POSITIVE_INFINITY }) => exp)
  const latest = Math.max(...ends)
  return Number.isFinite(latest) ? momentOf(latest) : null
}

function momentOf(seconds: number): string {
  return new Date(seconds * 1000).toISOString()
}
