/** WebHook endpoints: where events are sent to, each with a secret of its own and no more rights than its creator. */

import type { Audit, Origin } from '../../auth/audit.ts'
import { refuseFleeting } from '../../auth/fleeting.ts'
import { adminScope, holds, missingScopes, type Principal } from '../../contract/principal.ts'
import { Problem } from '../../errors.ts'
import type { Events } from '../../events/events.ts'
import type { OutboundGuard } from '../../outbound/guard.ts'
import { type Command, orConflict, type Storage } from '../../storage/storage.ts'
import type { EndpointKeys } from './endpoint-keys.ts'
import type { EndpointRights } from './endpoint-rights.ts'
import { type DisabledReason, type EndpointRow, EndpointSql, everyType, filterOf } from './endpoint-sql.ts'
import type { Signing } from './signature.ts'

/** Endpoints that a user, or a key of no user, may have; `admin` may make any number. */
const maxEndpoints = 100

export interface EndpointInput {
  url: string
  description?: string | undefined
  types?: readonly string[] | undefined
  signing?: Signing | undefined
}

export interface EndpointPatch extends Partial<Omit<EndpointInput, 'signing'>> {
  enabled?: boolean | undefined
}

/** An endpoint as its owner sees it; without its secret. */
export interface Endpoint {
  id: number
  url: string
  description: string
  types: string[]
  signing: Signing
  publicKey: string | null
  enabled: boolean
  disabledAt: string | null
  disabledReason: DisabledReason | null
  failingSince: string | null
  createdBy: string
  createdAt: string
  updatedAt: string
  previousUntil: string | null
}

/** With its secret, if receivers need one; never shown again. */
export type NewEndpoint = Endpoint & { secret?: string }

/** Who asks, and from where. */
export type Caller = Origin & { principal: Principal }

export interface EndpointSettings {
  engine: Storage
  keys: EndpointKeys
  rights: EndpointRights
  audit: Audit
  events: Events
  guard: OutboundGuard
  /** Told when something may be sent to an endpoint again. */
  onOpen: () => void
}

export class Endpoints {
  readonly sql: EndpointSql
  readonly #settings: EndpointSettings

  constructor(settings: EndpointSettings) {
    this.#settings = settings
    this.sql = new EndpointSql(settings.engine.dialect)
  }

  /**
   * Makes an endpoint that follows what happens from now on.
   *
   * @throws {Problem} `forbidden` for a credential that does not last, and when the creator can see none of the types;
   * `validation-failed` for a URL that may not be called, and a type that there is not; `conflict` beyond 100 endpoints.
   */
  async create(input: EndpointInput, caller: Caller): Promise<NewEndpoint> {
    const { engine, keys, events } = this.#settings
    const { principal } = caller
    refuseFleeting(principal)
    this.#checkUrl(input.url)
    const types = input.types ?? [everyType]
    this.#checkTypes(principal, types)
    const signing = input.signing ?? 'hmac'
    const { secret, sealed } = keys.make(signing)
    const now = new Date().toISOString()
    const values = {
      url: input.url,
      description: input.description ?? '',
      types: types.join(' '),
      signing,
      secret: sealed,
      previousSecret: null,
      previousUntil: null,
      scopes: this.#seenBy(principal).join(' '),
      userId: principal.userId ?? null,
      createdBy: principal.id,
      createdAt: now,
      updatedAt: now,
      after: (await events.log.bounds()).newest,
      disabledAt: null,
      disabledReason: null,
      failingSince: null,
    }
    const most = holds(principal, adminScope) ? Number.MAX_SAFE_INTEGER : maxEndpoints
    const audit = this.#audited('created', input.url, caller)
    const [made] = await engine
      .write([[this.sql.insert, { ...values, most }, 1], audit])
      .catch(orConflict(`There are ${maxEndpoints} endpoints: delete one to make another`))
    const id = made?.[0]?.id as number
    return this.#withSecret({ ...values, id }, secret)
  }

  /** Those that a principal may see, by id from a cursor on: all for `admin`, else those of its user or of its own making. */
  async page(
    principal: Principal,
    limit: number,
    cursor = '0',
  ): Promise<{ items: Endpoint[]; next: string | undefined }> {
    const args = { ...visibleTo(principal), after: Number(cursor), limit: limit + 1 }
    const rows = await this.#settings.engine.all<EndpointRow>(this.sql.page, args)
    const items = rows.slice(0, limit).map((row) => this.#shown(row))
    return { items, next: rows.length > limit ? String(items.at(-1)?.id) : undefined }
  }

  /** @throws {Problem} `not-found`, also for an endpoint that the principal may not see. */
  async get(id: number, principal: Principal): Promise<Endpoint> {
    return this.#shown(await this.visible(id, principal))
  }

  /**
   * Changes what is given. Enabled again, it goes on with what waits for it, and follows what happens from now on.
   *
   * @throws {Problem} `not-found`; as {@link create} does; `forbidden` when the endpoint sees more than who asks, who may
   * disable it all the same; `conflict` for a change at the same moment.
   */
  async update(id: number, patch: EndpointPatch, caller: Caller): Promise<Endpoint> {
    const row = await this.visible(id, caller.principal)
    const { enabled, ...others } = patch
    // Whoever may soon do nothing any more may still disable it.
    if (enabled !== false || Object.keys(others).length > 0) {
      refuseFleeting(caller.principal)
      refuseWider(caller.principal, row)
    }
    if (patch.url !== undefined) this.#checkUrl(patch.url)
    if (patch.types !== undefined) this.#checkTypes(await this.#settings.rights.required(row), patch.types)
    const now = after(row.updatedAt)
    const changed = {
      ...row,
      url: patch.url ?? row.url,
      description: patch.description ?? row.description,
      types: patch.types?.join(' ') ?? row.types,
      updatedAt: now,
      ...(enabled === false && row.disabledAt === null && { disabledAt: now, disabledReason: 'owner' as const }),
      ...(enabled && row.disabledAt !== null && (await this.#opened())),
    }
    const audit = this.#audited('updated', `endpoint:${id}`, caller)
    await this.#settings.engine
      .write([[this.sql.update, { ...changed, before: row.updatedAt }, 1], audit])
      .catch(orConflict('The endpoint was changed at the same moment'))
    if (enabled) this.#settings.onOpen()
    return this.#shown(changed)
  }

  /**
   * Gives the endpoint a new secret; what is sent for `overlap` seconds from now is signed with both.
   *
   * @throws {Problem} `not-found`; `forbidden` for a credential that does not last, and when the endpoint sees more than
   * who asks; `conflict` for a change at the same moment.
   */
  async rotateSecret(id: number, overlap: number, caller: Caller): Promise<NewEndpoint> {
    refuseFleeting(caller.principal)
    const row = await this.visible(id, caller.principal)
    refuseWider(caller.principal, row)
    const { secret, sealed } = this.#settings.keys.make(row.signing)
    const change = {
      secret: sealed,
      previousSecret: row.secret,
      previousUntil: new Date(Date.now() + overlap * 1000).toISOString(),
      updatedAt: after(row.updatedAt),
    }
    const audit = this.#audited('secret-rotated', `endpoint:${id}`, caller)
    await this.#settings.engine
      .write([[this.sql.rotate, { id, ...change }, 1], audit])
      .catch(orConflict('The endpoint was changed at the same moment'))
    return this.#withSecret({ ...row, ...change }, secret)
  }

  /** @throws {Problem} `not-found` */
  async remove(id: number, caller: Caller): Promise<void> {
    await this.visible(id, caller.principal)
    const audit = this.#audited('deleted', `endpoint:${id}`, caller)
    await this.#settings.engine
      .write([[this.sql.remove, { id }, 1], audit])
      .catch(orConflict('The endpoint was changed at the same moment'))
  }

  /** @throws {Problem} `not-found` */
  async visible(id: number, principal: Principal): Promise<EndpointRow> {
    const row = await this.#settings.engine.first<EndpointRow>(this.sql.visible, { ...visibleTo(principal), id })
    if (row === undefined) throw new Problem('not-found', 'Endpoint not found')
    return row
  }

  /** An endpoint that was disabled follows what happens from now on. */
  async #opened() {
    const { newest } = await this.#settings.events.log.bounds()
    return { disabledAt: null, disabledReason: null, failingSince: null, after: newest }
  }

  #checkUrl(url: string): void {
    const refusal = this.#settings.guard.refusalOf(url)
    if (refusal !== undefined) throw wrong([{ in: 'body', pointer: '/url', detail: refusal }])
  }

  #checkTypes(principal: Principal, types: readonly string[]): void {
    if (types.includes(everyType) && this.#seenBy(principal).length === 0)
      throw new Problem('forbidden', 'The credential lacks the scope of any event')
    try {
      this.#settings.events.selects(principal, filterOf(types))
    } catch (error) {
      if (!(error instanceof Problem) || error.errors === undefined) throw error
      throw wrong(error.errors.map((each) => ({ ...each, in: 'body' })))
    }
  }

  /** Those of its scopes that some event asks for. */
  #seenBy(principal: Principal): string[] {
    const asked = new Set([...this.#settings.events.types.values()].map(({ scope }) => scope))
    return [...principal.scopes].filter((scope) => scope === adminScope || asked.has(scope))
  }

  #audited(what: string, target: string, caller: Caller): Command {
    const { principal } = caller
    const type = `webhook-endpoint.${what}`
    return this.#settings.audit.command({ type, outcome: 'success', principal, target }, caller)
  }

  #shown(row: EndpointRow): Endpoint {
    const { id, url, description, types, signing, disabledAt, disabledReason, failingSince, previousUntil } = row
    return {
      id,
      url,
      description,
      types: types.split(' '),
      signing,
      publicKey: this.#settings.keys.publicKeyOf(row),
      enabled: disabledAt === null,
      disabledAt,
      disabledReason,
      failingSince,
      createdBy: row.createdBy,
      createdAt: row.createdAt,
      updatedAt: row.updatedAt,
      previousUntil,
    }
  }

  /** With Ed25519 the secret stays here: receivers need the public key alone. */
  #withSecret(row: EndpointRow, secret: string): NewEndpoint {
    return { ...this.#shown(row), ...(row.signing === 'hmac' && { secret }) }
  }
}

function visibleTo(principal: Principal): { all: number; userId: number | null; by: string } {
  return { all: holds(principal, adminScope) ? 1 : 0, userId: principal.userId ?? null, by: principal.id }
}

/** @throws {Problem} `forbidden`: who could send an endpoint's events elsewhere would see what it may not. */
export function refuseWider(principal: Principal, { scopes }: Pick<EndpointRow, 'scopes'>): void {
  const wider = missingScopes(principal, scopes.split(' ').filter(Boolean))
  if (wider.length > 0) throw new Problem('forbidden', `The endpoint sees what you may not: ${wider.join(', ')}`)
}

/** Now, and later than this: a row that was changed can be told from what it was. */
function after(moment: string): string {
  return new Date(Math.max(Date.now(), Date.parse(moment) + 1)).toISOString()
}

function wrong(errors: NonNullable<Problem['errors']>): Problem {
  return new Problem('validation-failed', 'The body does not match its schema', { errors })
}
