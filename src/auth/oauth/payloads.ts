/** What the authorization server keeps: sealed, found by the hash of its id, gone with its grant. */

import { AsyncLocalStorage } from 'node:async_hooks'
import { createHash } from 'node:crypto'
import { type Eventually, whenever } from '../../contract/eventually.ts'
import { type Command, type Storage, UnexpectedRows } from '../../storage/storage.ts'
import type { Secrets } from '../secrets.ts'
import { type PayloadRow, PayloadSql } from './payload-sql.ts'

const purpose = 'oauth payload'
const never = '9999-12-31T23:59:59.999Z'

/** The members that are read here; the others are the library's own. */
export interface Payload {
  /** The id itself; never stored. */
  jti?: string | undefined
  uid?: string | undefined
  grantId?: string | undefined
  clientId?: string | undefined
  accountId?: string | undefined
  scope?: string | undefined
  /** Scopes of a grant. */
  openid?: { scope?: string | undefined } | undefined
  /** When it was made, in s since 1970. */
  iat?: number | undefined
  /** When it expires, in s since 1970. */
  exp?: number | undefined
  params?: { client_id?: unknown } | undefined
  /** Truthy once it was used. */
  consumed?: unknown
}

/** How a grant is saved. */
interface GrantSaving {
  isNew: boolean
  /** Written before and after it, all or nothing. */
  before: readonly Command[]
  after: readonly Command[]
}

export class Payloads {
  readonly #engine: Storage
  readonly #secrets: Secrets
  readonly #sql: PayloadSql
  readonly #grantSaving = new AsyncLocalStorage<GrantSaving>()
  /** Told after what may have been an access token is gone; to be set by who keeps them in memory. */
  onRevoked: () => void = () => {}

  constructor(engine: Storage, secrets: Secrets) {
    this.#engine = engine
    this.#secrets = secrets
    this.#sql = new PayloadSql(engine.dialect)
  }

  async upsert(model: string, id: string, payload: Payload, expiresIn?: number): Promise<void> {
    await this.#engine.write([[this.#sql.upsert, this.#rowOf(model, id, payload, expiresIn)]])
  }

  /**
   * Saves a grant: for the first time within {@link savingGrant} alone, otherwise only while it is there. One that was
   * ended since it was read stays ended.
   *
   * @throws {UnexpectedRows} when it has ended.
   */
  async saveGrant(id: string, payload: Payload, expiresIn?: number): Promise<void> {
    const { isNew, before, after } = this.#grantSaving.getStore() ?? { isNew: false, before: [], after: [] }
    const args = this.#rowOf('Grant', id, payload, expiresIn)
    const save: Command = [isNew ? this.#sql.insert : this.#sql.renewGrant, args, 1]
    await this.#engine.write([...before, save, ...after])
  }

  /** Has the library save a grant, in one write with what belongs to it. @throws {UnexpectedRows} */
  savingGrant(saving: GrantSaving, save: () => Promise<string>): Promise<string> {
    return this.#grantSaving.run(saving, save)
  }

  async find(model: string, id: string): Promise<Payload | undefined> {
    const row = await this.#engine.first<PayloadRow>(this.#sql.find, { model, idHash: hashOf(id) })
    return row && { ...this.#open(row), jti: id }
  }

  /** Without its id, which nobody has said. */
  async findByUid(model: string, uid: string): Promise<Payload | undefined> {
    const row = await this.#engine.first<PayloadRow>(this.#sql.findByUid, { model, uidHash: hashOf(uid) })
    return row && this.#open(row)
  }

  /** What an access token stands for, while it is good. */
  access(token: string): Eventually<Payload | undefined> {
    const args = { idHash: hashOf(token), now: new Date().toISOString() }
    return whenever(this.#engine.first<PayloadRow>(this.#sql.findAccess, args), (row) => row && this.#open(row))
  }

  /** Marks what may be used once; gives whether this was the first time. */
  async consume(id: string): Promise<boolean> {
    const consume: Command = [this.#sql.consume, { idHash: hashOf(id), now: new Date().toISOString() }, 1]
    return this.#happens([consume])
  }

  async destroy(id: string): Promise<void> {
    await this.#engine.write([[this.#sql.remove, { idHash: hashOf(id) }]])
    this.onRevoked()
  }

  async revokeByGrantId(model: string, grantId: string): Promise<void> {
    await this.#engine.write([[this.#sql.removeOfGrant, { model, grantHash: hashOf(grantId) }]])
    this.onRevoked()
  }

  /** Ends a grant and what was given for it, and tells why; nothing when it has ended before. */
  async endGrant(grantId: string, why: readonly Command[] = []): Promise<void> {
    const hash = hashOf(grantId)
    const ended = await this.#happens([
      [this.#sql.remove, { idHash: hash }, 1],
      [this.#sql.removeAllOfGrant, { grantHash: hash }],
      ...why,
    ])
    if (ended) this.onRevoked()
  }

  /** What a user has consented to, each by the hash of its id: whoever reads it can do nothing with it. */
  async grantsOf(userId: number): Promise<(Payload & { idHash: string })[]> {
    const rows = await this.#engine.all<PayloadRow>(this.#sql.grantsOfUser, { userId, now: new Date().toISOString() })
    return rows.flatMap((row) => {
      const payload = this.#open(row)
      return payload === undefined ? [] : [{ ...payload, idHash: row.idHash }]
    })
  }

  /**
   * Ends a grant of a user by the hash of its id, the others of its client, which has one of each browser that the user
   * has signed in with, and all that was given for them; gives whether there was one.
   */
  async withdraw({ idHash, clientId }: { idHash: string; clientId: string }, userId: number, why: readonly Command[]) {
    const ended = await this.#happens([
      [this.#sql.removeGrantOfUser, { idHash, userId }, 1],
      [this.#sql.removeOfUserAndClient, { userId, clientId }],
      ...why,
    ])
    if (ended) this.onRevoked()
    return ended
  }

  /** Ends everything that was given for a user, as a command for the write of the change that is its reason. */
  revocation(userId: number): Command {
    return [this.#sql.removeOfUser, { userId }]
  }

  /** Deletes what has expired. */
  forgetExpired(): Command {
    return [this.#sql.forgetExpired, { now: new Date().toISOString() }]
  }

  #rowOf(model: string, id: string, { jti: _, ...payload }: Payload, expiresIn: number | undefined) {
    const { uid, grantId, accountId } = payload
    const idHash = hashOf(id)
    return {
      idHash,
      model,
      // A row's id is sealed with it: who can write to the database cannot put the content of another row there.
      sealed: this.#secrets.seal(purpose, JSON.stringify({ idHash, payload })),
      grantHash: grantId === undefined || model === 'Interaction' ? null : hashOf(grantId),
      uidHash: uid === undefined ? null : hashOf(uid),
      clientId: payload.clientId ?? payload.params?.client_id ?? null,
      userId: accountId === undefined ? null : Number(accountId),
      expiresAt: expiresIn === undefined ? never : new Date(Date.now() + expiresIn * 1000).toISOString(),
    }
  }

  async #happens(commands: readonly Command[]): Promise<boolean> {
    try {
      await this.#engine.write(commands)
      return true
    } catch (error) {
      if (error instanceof UnexpectedRows) return false
      throw error
    }
  }

  #open({ idHash, sealed, consumedAt }: PayloadRow): Payload | undefined {
    let opened: { idHash: string; payload: Payload }
    try {
      opened = JSON.parse(this.#secrets.open(purpose, sealed))
    } catch {
      // Sealed with a secret that is gone, or by nobody here: as if it had never been.
      return undefined
    }
    if (opened.idHash !== idHash) return undefined
    return consumedAt ? { ...opened.payload, consumed: Math.floor(Date.parse(consumedAt) / 1000) } : opened.payload
  }
}

/** Ids hold 256 random bits: nobody finds one by trying. */
function hashOf(id: string): string {
  return createHash('sha256').update(id).digest('base64url')
}
