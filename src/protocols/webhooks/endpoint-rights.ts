/** What an endpoint may get: what its creator could see when it was made, and can still. */

import { type Eventually, whenever } from '../../contract/eventually.ts'
import { type Principal, stillHeld } from '../../contract/principal.ts'
import { Problem } from '../../errors.ts'
import type { EndpointRow } from './endpoint-sql.ts'

/** The scopes that a principal holds now, by its id; nothing when it is gone or revoked. */
export type HeldBy = (principal: string) => Eventually<readonly string[] | undefined>

type Maker = Pick<EndpointRow, 'createdBy' | 'userId' | 'scopes'>

export class EndpointRights {
  readonly #heldBy: HeldBy

  constructor(heldBy: HeldBy) {
    this.#heldBy = heldBy
  }

  /** Whom an endpoint stands for; nothing when its creator is gone or revoked. */
  of({ createdBy, userId, scopes }: Maker): Eventually<Principal | undefined> {
    return whenever(this.#heldBy(createdBy), (held) => {
      if (held === undefined) return undefined
      const kept = stillHeld(scopes.split(' ').filter(Boolean), held)
      return { kind: 'api-key', id: createdBy, scopes: new Set(kept), userId: userId ?? undefined }
    })
  }

  /** @throws {Problem} `conflict` when the creator is gone or revoked. */
  async required(maker: Maker): Promise<Principal> {
    const principal = await this.of(maker)
    if (principal === undefined) throw new Problem('conflict', 'Who made the endpoint is gone: make another one')
    return principal
  }
}
