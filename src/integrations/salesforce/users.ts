/** Users as Salesforce changes them. */

import { type TObject, Type } from '@sinclair/typebox'
import { createValidatorCompiler } from '../../contract/validator.ts'
import { Problem } from '../../errors.ts'
import type { Collection } from '../../storage/collection.ts'
import type { Command } from '../../storage/storage.ts'
import type { Store } from '../../storage/store.ts'
import type { Links } from './links.ts'
import { Unwanted } from './refusal.ts'

export interface VersionedUser {
  version: number
  record: Readonly<Record<string, unknown>>
}

/** What somebody may say of a user: the errors name properties, and no values. */
interface Check {
  (changes: unknown): unknown
  errors?: readonly { instancePath: string; message?: string }[] | null
}

export class Users {
  readonly #store: Store
  readonly #links: Links
  #declared: { view: TObject; settable: ReadonlySet<string>; check: Check } | undefined

  /** Usable once all routes are registered: they declare the collection. */
  constructor(store: Store, links: Links) {
    this.#store = store
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

  /**
   * Changes a user that still has this version, and writes the agreement along; gives whether it could.
   *
   * @throws {Unwanted} for what users may not be.
   */
  async update(id: number, version: number, changes: Record<string, unknown>, agreement: Command): Promise<boolean> {
    await this.#admit(id, changes)
    try {
      await this.#collection.update(this.#schema.view, id, changes, [version], { behind: [agreement] })
      return true
    } catch (error) {
      if (!(error instanceof Problem)) throw error
      if (error.code === 'precondition-failed' || error.code === 'not-found') return false
      throw new Unwanted(`The change in Salesforce was not taken: ${error.message}`, { cause: error })
    }
  }

  /** Whoever may write contacts must not get at the account of an administrator by its address. */
  async #admit(userId: number, changes: Record<string, unknown>): Promise<void> {
    const account = await this.#store.engine.first<{ role: string }>(this.#links.sql.role, { userId })
    if (account?.role === 'admin')
      throw new Unwanted(
        'The change in Salesforce was not taken: the user is an administrator, who is changed here alone',
      )
    const { check } = this.#schema
    if (check(changes)) return
    const reasons = (check.errors ?? []).map(({ instancePath, message }) => `${instancePath.slice(1)} ${message}`)
    throw new Unwanted(`The change in Salesforce was not taken: ${reasons.join('; ')}`)
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
    check: createValidatorCompiler()({ schema, httpPart: 'body', method: '', url: '' }) as Check,
  }
}
