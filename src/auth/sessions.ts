/** Sessions: an access token for minutes, and a refresh token that gives the next pair once (RFC 9700 section 4.14.2). */

import { randomBytes } from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import { unauthenticated } from '../contract/access.ts'
import type { ScopesOf } from '../contract/authenticators.ts'
import { type Eventually, whenever } from '../contract/eventually.ts'
import { type Principal, stillHeld } from '../contract/principal.ts'
import type { Problem } from '../errors.ts'
import { type Command, type Storage, UnexpectedRows } from '../storage/storage.ts'
import { type AccessClaims, type AccessTokens, expired, isExpired } from './access-tokens.ts'
import type { Audit, Origin } from './audit.ts'
import type { Secrets } from './secrets.ts'
import { type RefreshRow, type Session, SessionSql, type SessionState } from './session-sql.ts'
import { type Finding, Verified } from './verified.ts'

const purpose = 'refresh-token'
const day = 86_400_000
/** However much it is used, a session ends after this many times the days that it lasts unused. */
const mostRenewals = 12
const maxUserAgent = 200
/** 256 bits. */
const refreshForm = /^sptr_[\w-]{43}$/

/** Where a session is used from. */
export type Client = Origin & Pick<FastifyRequest, 'headers'>

export interface Tokens {
  accessToken: string
  tokenType: 'Bearer'
  /** Of the access token, in seconds. */
  expiresIn: number
  refreshToken: string
  /** Separated by spaces. */
  scope: string
}

export interface SessionSettings {
  engine: Storage
  secrets: Secrets
  audit: Audit
  tokens: AccessTokens
  /** The scopes that a user has now; nothing when the account is gone or disabled. */
  scopesOf: ScopesOf
  /** A message to a user about what is done with the account, as commands of the write that does it. */
  notice: (kind: 'session-ended', userId: number, client: Client) => Promise<Command[]>
  /** How long a session lasts without being refreshed, in days. */
  days: number
}

/** Something else of a user, such as its API keys, that ends when somebody else may have had the account. */
export interface Follower {
  revocation(userId: number): readonly Command[]
  /** What of it is a sign-in: it ends with the sessions, whatever ends them. */
  signOuts?(userId: number): Command
  forgetVerified(userId: number): void
}

export class Sessions {
  readonly #settings: SessionSettings
  readonly #followers: Follower[] = []
  readonly #sql: SessionSql
  readonly #verified = new Verified<AccessClaims>()

  constructor(settings: SessionSettings) {
    this.#settings = settings
    this.#sql = new SessionSql(settings.engine.dialect, settings.secrets.macs(purpose, '').length)
  }

  /**
   * Starts a session for a user who has proved who they are. What the proof rests on may come as commands with the
   * rows that they expect, to be written first: a password that is changed at that moment starts no session.
   *
   * @throws {Problem} `unauthenticated` when the account is gone or disabled, or the proof no longer holds.
   */
  async start(
    { userId, scopes }: Pick<AccessClaims, 'userId' | 'scopes'>,
    client: Client,
    proof: readonly Command[] = [],
  ): Promise<Tokens> {
    const { engine, audit } = this.#settings
    const id = randomBytes(16).toString('base64url')
    const now = Date.now()
    const endsAt = new Date(now + mostRenewals * this.#idle).toISOString()
    const { tokens, added } = await this.#nextTokens({ userId, sessionId: id, scopes }, now)
    const session = { ...this.#use(id, now, endsAt, client), userId, scopes: scopes.join(' '), endsAt }
    const commands: Command[] = [
      ...proof,
      [this.#sql.start, session, 1],
      added,
      [this.#sql.endBeyondMax, { userId }],
      audit.command({ type: 'session.started', outcome: 'success', ...namesOf(userId, id) }, client),
    ]
    await engine.write(commands).catch((error: unknown) => {
      throw error instanceof UnexpectedRows ? unauthenticated('The account is gone or has changed') : error
    })
    return tokens
  }

  /**
   * Gives the next pair of tokens, once. A refresh token that was used before ends its session, whoever presents it and
   * however soon: one of two holders is a thief, and nothing tells which. A client that lost an answer signs in again.
   *
   * @throws {Problem} `unauthenticated`
   */
  async refresh(token: string, client: Client): Promise<Tokens> {
    const row = await this.#find(token)
    const { userId, sessionId, expiresAt, endsAt, mac } = row
    if (row.spentAt !== null) return this.#endReused(row, client)
    if (expiresAt <= new Date().toISOString()) throw ended()
    const held = await this.#settings.scopesOf(userId)
    if (held === undefined) throw ended()
    // Rights that came later need a new session.
    const scopes = stillHeld(row.scopes.split(' ').filter(Boolean), held)
    const now = Date.now()
    const { tokens, added } = await this.#nextTokens({ userId, sessionId, scopes }, now)
    const used = this.#use(sessionId, now, endsAt, client)
    try {
      // The session's row first, as where it ends: two writes that lock in the same order cannot block each other.
      await this.#settings.engine.write([[this.#sql.use, used, 1], [this.#sql.spendToken, { ...used, mac }, 1], added])
    } catch (error) {
      if (!(error instanceof UnexpectedRows)) throw error
      // Between the reading and the writing it was used by somebody else, or its session has ended.
      return this.#endReused(await this.#find(token), client)
    }
    return tokens
  }

  /** Ends a session of this user; gives whether there was one. */
  async revoke(sessionId: string, userId: number, client: Origin): Promise<boolean> {
    const { audit } = this.#settings
    const revoked = { type: 'session.revoked', outcome: 'success', ...namesOf(userId, sessionId) } as const
    return this.#end(sessionId, userId, [audit.command(revoked, client)])
  }

  /** Ends every session of a user, the one that asks too, and its sign-ins on pages; keys and grants go on. */
  async signOutEverywhere(userId: number, client: Origin): Promise<void> {
    const { engine, audit } = this.#settings
    const user = `user:${userId}`
    const entry = { type: 'session.all-revoked', outcome: 'success', principal: { id: user }, target: user } as const
    await engine.write([...this.revocation(userId), audit.command(entry, client)])
    this.forgetVerified(userId)
  }

  follow(follower: Follower): void {
    this.#followers.push(follower)
  }

  /** Ends every session of a user, but one where that is wanted. The caller records why. */
  async revokeAllOf(userId: number, except = ''): Promise<void> {
    await this.#settings.engine.write(this.revocations(userId, except))
    this.forgetVerified(userId, except)
  }

  /** {@link revokeAllOf} as commands, for the write of the change that is its reason; without exception, followers end too. */
  revocations(userId: number, except = ''): Command[] {
    const followers = except === '' ? this.#followers : []
    return [...this.revocation(userId, except), ...followers.flatMap((follower) => follower.revocation(userId))]
  }

  /** Ends sessions only, for a change that leaves standing what else acts for the user: keys and grants are narrowed by themselves. */
  revocation(userId: number, except = ''): Command[] {
    const signOuts = this.#followers
      .map((follower) => follower.signOuts?.(userId))
      .filter((command) => command !== undefined)
    return [[this.#sql.endAllBut, { userId, id: except }], ...signOuts]
  }

  /** After a write with {@link revocations} or {@link revocation}: in this process it holds at once, in others within a second. */
  forgetVerified(userId: number, except = ''): void {
    this.#verified.forget((claims) => claims.userId === userId && claims.sessionId !== except)
    if (except === '') for (const follower of this.#followers) follower.forgetVerified(userId)
  }

  /** The sessions of a user, the one used last first. */
  async list(userId: number): Promise<Session[]> {
    return this.#settings.engine.all<Session>(this.#sql.list, { userId, now: new Date().toISOString() })
  }

  /**
   * The principal of an access token. Its signature is verified once; its session and its user's scopes are looked up
   * again each second.
   *
   * @throws {Problem} `unauthenticated`
   */
  authenticate(token: string): Eventually<Principal> {
    const fresh = this.#verified.fresh(token)
    if (fresh !== undefined) return fresh
    return this.#verified.check(token, () => {
      const claims = this.#verified.subject(token) ?? this.#settings.tokens.verify(token)
      return whenever<AccessClaims, Finding<AccessClaims>>(claims, (known) => this.#admit(known))
    })
  }

  /** Deletes sessions that have expired, and refresh tokens that were used so long ago that no client has them still. */
  async forgetExpired(): Promise<void> {
    const now = Date.now()
    await this.#settings.engine.write([
      [this.#sql.forgetExpired, { now: new Date(now).toISOString() }],
      [this.#sql.forgetSpent, { before: new Date(now - this.#idle).toISOString() }],
    ])
  }

  get #idle(): number {
    return this.#settings.days * day
  }

  #admit(claims: AccessClaims): Eventually<Finding<AccessClaims>> {
    if (isExpired(claims)) throw expired()
    const { engine, scopesOf } = this.#settings
    const { userId, sessionId } = claims
    return whenever(engine.first<SessionState>(this.#sql.state, { id: sessionId }), (state) => {
      if (state?.userId !== userId || state.expiresAt <= new Date().toISOString()) throw ended()
      return whenever(scopesOf(userId), (held) => {
        if (held === undefined) throw ended()
        const scopes = stillHeld(claims.scopes, held)
        const principal = { kind: 'user', id: `user:${userId}`, scopes: new Set(scopes), userId, sessionId } as const
        const expiresAt = Math.min(claims.expiresAt, Date.parse(state.expiresAt))
        return { subject: claims, principal, expiresAt }
      })
    })
  }

  async #find(token: string): Promise<RefreshRow> {
    const { engine, secrets } = this.#settings
    if (!refreshForm.test(token)) throw wrongRefreshToken()
    const macs = secrets.macs(purpose, token).map((mac, index) => [`mac${index}`, mac])
    const row = await engine.first<RefreshRow>(this.#sql.findToken, Object.fromEntries(macs))
    if (row === undefined) throw wrongRefreshToken()
    return row
  }

  /** The next pair, and the command that keeps what must be kept of it. */
  async #nextTokens(claims: Omit<AccessClaims, 'expiresAt'>, now: number): Promise<{ tokens: Tokens; added: Command }> {
    const { tokens, secrets } = this.#settings
    const refreshToken = `sptr_${randomBytes(32).toString('base64url')}`
    const mac = secrets.mac(purpose, refreshToken)
    return {
      tokens: {
        accessToken: await tokens.issue(claims),
        tokenType: 'Bearer',
        expiresIn: tokens.lifetime,
        refreshToken,
        scope: claims.scopes.join(' '),
      },
      added: [this.#sql.addToken, { mac, id: claims.sessionId, now: new Date(now).toISOString() }],
    }
  }

  #use(id: string, now: number, endsAt: string, { ip, headers }: Client) {
    const expiresAt = new Date(Math.min(now + this.#idle, Date.parse(endsAt))).toISOString()
    const userAgent = headers['user-agent']?.slice(0, maxUserAgent) ?? ''
    return { id, now: new Date(now).toISOString(), expiresAt, address: ip, userAgent }
  }

  async #endReused({ userId, sessionId }: RefreshRow, client: Client): Promise<never> {
    const { audit, notice } = this.#settings
    const detail = 'A refresh token was used twice: its session is ended'
    const reused = {
      type: 'session.reuse-detected',
      outcome: 'failure',
      ...namesOf(userId, sessionId),
      detail,
    } as const
    const told = await notice('session-ended', userId, client)
    await this.#end(sessionId, userId, [audit.command(reused, client), ...told])
    throw wrongRefreshToken()
  }

  /** Ends a session and tells why, unless it has ended before. */
  async #end(id: string, userId: number, why: readonly Command[]): Promise<boolean> {
    try {
      await this.#settings.engine.write([[this.#sql.end, { id, userId }, 1], ...why])
    } catch (error) {
      if (error instanceof UnexpectedRows) return false
      throw error
    }
    this.#verified.forget(({ sessionId }) => sessionId === id)
    return true
  }
}

function namesOf(userId: number, sessionId: string) {
  return { principal: { id: `user:${userId}` }, target: `session:${sessionId}` }
}

function ended(): Problem {
  return unauthenticated('The session has ended', 'invalid_token')
}

function wrongRefreshToken(): Problem {
  return unauthenticated('The refresh token is wrong, used or expired', 'invalid_token')
}
