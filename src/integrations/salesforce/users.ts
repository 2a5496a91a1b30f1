/** Users as Salesforce changes them. */

import { type TObject, Type } from '@sinclair/typebox'
import { masked, targetOf } from '../../auth/account-parts.ts'
import type { Audit } from '../../auth/audit.ts'
import { validatorCompiler } from '../../contract/validator.ts'
import { Problem } from '../../errors.ts'
import { normaliseEmail } from '../../schemas/email.ts'
import type { Collection } from '../../storage/collection.ts'
import type { Command } from '../../storage/storage.ts'
import type { Store } from '../../storage/store.ts'
import type { Links } from './links.ts'

export interface VersionedUser {
  version: number
  record: Readonly<Record<string, unknown>>
}

/** What somebody may say of a user: the errors name properties, and no values. */
interface Check {
  (changes: unknown): unknown
  errors?: readonly { instancePath: string; message?: string }[] | null
}

/** By property. */
type Changes = Readonly<Record<string, unknown>>

const administrator = 'the user is an administrator, who is changed here alone'

export class Users {
  readonly #store: Store
  readonly #links: Links
  readonly #audit: Pick<Audit, 'command'>
  #declared: { view: TObject; settable: ReadonlySet<string>; check: Check } | undefined

  /** Usable once all routes are registered: they declare the collection. */
  constructor(store: Store, links: Links, audit: Pick<Audit, 'command'>) {
    this.#store = store
    this.#audit = audit
    this.#links = links
  }

  /** Properties that can be set; the others are the server's own. */
  get settable(): ReadonlySet<string> {
    return this.#schema.settable
  }

  /** Nothing where it is gone. */
  async get(id: number): Promise<VersionedUser | undefined> {
    try {
      const { version, json } = await this.#collection.get(this.#schema.view, id)
      return { version: Number(version), record: JSON.parse(JSON.stringify(json)) as VersionedUser['record'] }
    } catch (error) {
      if (error instanceof Problem && error.code === 'not-found') return undefined
      throw error
    }
  }

  /** Why a user may not be given these, by property. */
  async refusals(id: number, changes: Changes): Promise<Map<string, string>> {
    const account = await this.#account(id)
    // Whoever may write contacts must not get at the account of an administrator by its address.
    if (account?.role === 'admin') return new Map(Object.keys(changes).map((property) => [property, administrator]))
    const { check } = this.#schema
    if (check(changes)) return new Map()
    const property = (pointer: string) => pointer.split('/')[1] ?? ''
    return new Map(
      (check.errors ?? []).map(({ instancePath, message }) => {
        const name = property(instancePath)
        return [name, `${name} ${message}`]
      }),
    )
  }

  /**
   * Changes a user that still has this version, and writes the agreement along; gives whether it could. What is another's
   * already is noted in `refused`.
   */
  async update(
    id: number,
    { version, record }: VersionedUser,
    changes: Changes,
    agreement: Command,
    refused: Map<string, string>,
  ): Promise<boolean> {
    // By then it may have become one.
    const before: Command[] = [[this.#links.sql.administrator, { userId: id }, 0]]
    const behind = [agreement, ...(await this.#entries(id, record, changes))]
    try {
      await this.#collection.update(this.#schema.view, id, changes, [version], { before, behind })
      return true
    } catch (error) {
      if (!(error instanceof Problem)) throw error
      if (error.code === 'precondition-failed' || error.code === 'not-found') return false
      const named = (error.errors ?? []).map(({ pointer = '' }) => pointer.slice(1))
      for (const property of named.length > 0 ? named : Object.keys(changes)) refused.set(property, error.message)
      return false
    }
  }

  /** What goes on record: that an account has another address. */
  async #entries(id: number, { email: was }: VersionedUser['record'], { email }: Changes): Promise<Command[]> {
    if (typeof email !== 'string' || normaliseEmail(email) === normaliseEmail(String(was))) return []
    if ((await this.#account(id)) === undefined) return []
    const principal = { id: 'connector:salesforce' }
    const detail = `${masked(String(was))} to ${masked(email)}`
    const entry = { type: 'account.address-changed', outcome: 'success', principal, detail } as const
    return [this.#audit.command({ ...entry, target: targetOf({ userId: id }) }, { id: '', ip: '' })]
  }

  #account(userId: number) {
    return this.#store.engine.first<{ role: string }>(this.#links.sql.role, { userId })
  }

  get #collection(): Collection<TObject> {
    return this.#store.named('users')
  }

  get #schema() {
    this.#declared ??= declared(this.#collection.declaration.input)
    return this.#declared
  }
}

function declared(input: TObject) {
  const own = { id: Type.Integer(), createdAt: Type.String(), updatedAt: Type.String() }
  const schema = Type.Partial(input, { additionalProperties: false })
  return {
    view: Type.Object({ ...own, ...input.properties }),
    settable: new Set(Object.keys(input.properties)),
    check: validatorCompiler({ schema, httpPart: 'body', method: '', url: '' }) as Check,
  }
}
