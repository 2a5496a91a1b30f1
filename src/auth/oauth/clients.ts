/** OAuth clients: what may ask for access, made by administrators (RFC 6749 section 2). */

import { randomBytes } from 'node:crypto'
import type { Principal } from '../../contract/principal.ts'
import { isIdentityScope } from '../../contract/scope-words.ts'
import { Problem } from '../../errors.ts'
import { type Command, orConflict, type Storage } from '../../storage/storage.ts'
import type { Audit, Origin } from '../audit.ts'
import { refuseFleeting, refuseReplaced } from '../fleeting.ts'
import type { Secrets } from '../secrets.ts'
import { type ClientRow, ClientSql } from './client-sql.ts'
import { isLoopbackOverTls, isNative, refusalOfRedirectUri } from './redirect-uris.ts'

const purpose = 'oauth client secret'

export type ClientType = ClientRow['clientType']
export type GrantType = 'client_credentials' | 'authorization_code' | 'refresh_token'

export interface ClientInput {
  name: string
  /** Whether it can keep a secret (RFC 6749 section 2.1). */
  clientType: ClientType
  grantTypes: readonly GrantType[]
  redirectUris?: readonly string[] | undefined
  /** What it may ask for. */
  scopes: readonly string[]
}

/** A client as administrators see it; without its secret. */
export interface OAuthClient {
  id: string
  name: string
  clientType: ClientType
  grantTypes: GrantType[]
  redirectUris: string[]
  scopes: string[]
  createdBy: string
  createdAt: string
  /** Until when the secret that a rotation replaced is accepted. */
  previousUntil: string | null
}

/** With its secret, if it has one; never shown again. */
export type NewOAuthClient = OAuthClient & { clientSecret?: string }

/** Who asks, and from where. */
type Caller = Origin & { principal: Principal }

export interface ClientSettings {
  engine: Storage
  secrets: Secrets
  audit: Audit
  /** Every scope that an operation asks for. */
  knownScopes: ReadonlySet<string>
}

export class OAuthClients {
  readonly #settings: ClientSettings
  readonly #sql: ClientSql
  /** Told after a client is gone; to be set by who keeps its tokens in memory. */
  onRemoved: () => void = () => {}

  constructor(settings: ClientSettings) {
    this.#settings = settings
    this.#sql = new ClientSql(settings.engine.dialect)
  }

  /**
   * Makes a client.
   *
   * @throws {Problem} `forbidden` for a credential that does not last; `validation-failed` for grants that do not fit the
   * client, an unsafe address, an unknown scope.
   */
  async create(input: ClientInput, caller: Caller): Promise<NewOAuthClient> {
    refuseFleeting(caller.principal)
    this.#check(input)
    const { name, clientType, grantTypes, redirectUris = [], scopes } = input
    const id = randomBytes(8).toString('hex')
    const clientSecret = clientType === 'confidential' ? newSecret() : undefined
    const row: ClientRow = {
      id,
      name,
      clientType,
      mac: clientSecret === undefined ? null : this.#settings.secrets.mac(purpose, clientSecret),
      previousMac: null,
      previousUntil: null,
      redirectUris: JSON.stringify(redirectUris),
      grantTypes: grantTypes.join(' '),
      scopes: scopes.join(' '),
      createdBy: caller.principal.id,
      createdAt: new Date().toISOString(),
    }
    await this.#write([this.#sql.insert, { ...row }, 1], 'created', id, caller, `scopes: ${row.scopes}`)
    return { ...shown(row), ...(clientSecret !== undefined && { clientSecret }) }
  }

  /** Clients by id from a cursor on; with `createdBy`, those that one principal has made. */
  async page(
    limit: number,
    after = '',
    createdBy?: string,
  ): Promise<{ items: OAuthClient[]; next: string | undefined }> {
    const args = { after, createdBy: createdBy ?? null, limit: limit + 1 }
    const rows = await this.#settings.engine.all<ClientRow>(this.#sql.page, args)
    const items = rows.slice(0, limit).map(shown)
    return { items, next: rows.length > limit ? items.at(-1)?.id : undefined }
  }

  /** @throws {Problem} `not-found` */
  async get(id: string): Promise<OAuthClient> {
    return shown(await this.#existing(id))
  }

  /** The client with this id, if there is one. */
  async find(id: string): Promise<OAuthClient | undefined> {
    const row = await this.#settings.engine.first<ClientRow>(this.#sql.get, { id })
    return row && shown(row)
  }

  /**
   * Gives the client a new secret; the one that it replaces stays good for `overlap` seconds.
   *
   * @throws {Problem} `forbidden` for a credential that does not last; `not-found`; `conflict` for a public client, and for a change at the same moment.
   */
  async rotateSecret(id: string, overlap: number, caller: Caller): Promise<NewOAuthClient> {
    refuseFleeting(caller.principal)
    const row = await this.#existing(id)
    if (row.mac === null) throw new Problem('conflict', 'A public client has no secret')
    const clientSecret = newSecret()
    const previousUntil = new Date(Date.now() + overlap * 1000).toISOString()
    const change = { mac: this.#settings.secrets.mac(purpose, clientSecret), previousMac: row.mac, previousUntil }
    await this.#write([this.#sql.rotate, { id, ...change }, 1], 'secret-rotated', id, caller)
    return { ...shown({ ...row, ...change }), clientSecret }
  }

  /** Removes the client and everything that was given to it. @throws {Problem} `not-found`; `forbidden` for a secret that was replaced. */
  async remove(id: string, caller: Caller): Promise<void> {
    refuseReplaced(caller.principal)
    await this.#existing(id)
    await this.#write([this.#sql.remove, { id }, 1], 'deleted', id, caller)
    this.onRemoved()
  }

  /** Whether this is the client's secret, or the one before while it is still good. */
  async hasSecret(id: string, secret: string): Promise<boolean> {
    const { engine, secrets } = this.#settings
    const row = await engine.first<ClientRow>(this.#sql.get, { id })
    if (!row?.mac) return false
    if (secrets.hasMac(purpose, secret, row.mac)) return true
    const { previousMac, previousUntil } = row
    if (previousMac === null || previousUntil === null || previousUntil <= new Date().toISOString()) return false
    return secrets.hasMac(purpose, secret, previousMac)
  }

  #check({ clientType, grantTypes, redirectUris = [], scopes }: ClientInput): void {
    const has = (type: GrantType) => grantTypes.includes(type)
    if (clientType === 'public' && has('client_credentials'))
      throw wrong('/grantTypes', 'cannot hold client_credentials: a public client cannot prove who it is')
    if (has('refresh_token') && !has('authorization_code'))
      throw wrong('/grantTypes', 'must hold authorization_code for there to be something to refresh')
    if (has('authorization_code') !== redirectUris.length > 0)
      throw wrong('/redirectUris', 'are needed for authorization_code, and for nothing else')
    redirectUris.forEach((uri, index) => {
      const refusal = refusalOfRedirectUri(uri, clientType)
      if (refusal !== undefined) throw wrong(`/redirectUris/${index}`, refusal)
      if (clientType === 'public' && isNative(redirectUris) && isLoopbackOverTls(uri))
        throw wrong(`/redirectUris/${index}`, 'must use http: applications on a device have no certificate there')
    })
    const { knownScopes } = this.#settings
    const unknown = scopes.findIndex((scope) => !knownScopes.has(scope) && !isIdentityScope(scope))
    if (unknown !== -1) throw wrong(`/scopes/${unknown}`, 'is asked for by no operation')
  }

  async #existing(id: string): Promise<ClientRow> {
    const row = await this.#settings.engine.first<ClientRow>(this.#sql.get, { id })
    if (row === undefined) throw new Problem('not-found', 'Client not found')
    return row
  }

  async #write(change: Command, what: string, id: string, caller: Caller, detail?: string): Promise<void> {
    const { engine, audit } = this.#settings
    const { principal } = caller
    const type = `oauth-client.${what}`
    const entry = audit.command({ type, outcome: 'success', principal, target: `client:${id}`, detail }, caller)
    await engine.write([change, entry]).catch(orConflict('The client was changed at the same moment'))
  }
}

function shown({ mac, previousMac, redirectUris, grantTypes, scopes, ...rest }: ClientRow): OAuthClient {
  return {
    ...rest,
    redirectUris: JSON.parse(redirectUris) as string[],
    grantTypes: grantTypes.split(' ') as GrantType[],
    scopes: scopes.split(' '),
  }
}

/** 256 bits; secret scanners know it by its beginning. */
function newSecret(): string {
  return `sptc_${randomBytes(32).toString('base64url')}`
}

function wrong(pointer: string, detail: string): Problem {
  return new Problem('validation-failed', 'The body does not match its schema', {
    errors: [{ in: 'body', pointer, detail }],
  })
}
