/** The session of the server with Salesforce: OAuth 2.0 JWT bearer (RFC 7523), and jsforce over it. */

import { SignJWT } from 'jose'
import type { Connection } from 'jsforce/lib/connection.js'
import { NoAnswer } from '../../outbound/client.ts'
import { NotLetIn, Refusal } from './refusal.ts'
import { isSafe, type SalesforceSettings } from './settings.ts'
import type { Wire } from './wire.ts'

interface Token {
  accessToken: string
  instanceUrl: string
  /** As whom the server works. */
  userId: string
}

/** One attempt's way to Salesforce. */
export interface Attempt extends Pick<Token, 'userId'> {
  connection: Connection
}

/** The parts of jsforce that are used: loaded once the connector is on. */
export type Library = Pick<typeof import('jsforce/lib/connection.js'), 'Connection'> &
  Pick<typeof import('jsforce/lib/oauth2.js'), 'OAuth2'>

/** The main entry loads a hundred modules more, of APIs that are not used. */
export async function loadLibrary(): Promise<Library> {
  const { Connection } = await import('jsforce/lib/connection.js')
  const { OAuth2 } = await import('jsforce/lib/oauth2.js')
  await import('jsforce/lib/api/bulk2.js')
  return { Connection, OAuth2 }
}

const grant = 'urn:ietf:params:oauth:grant-type:jwt-bearer'
/** Of an assertion, in seconds: Salesforce takes up to 180, and clocks differ. */
const assertionLife = 120
/** Hosts of instances. */
const ofSalesforce = /\.(salesforce|force)\.com$/
/** For which a refusal holds, in ms: the operator has to mend it. */
const refusedFor = 60_000
/** For one request, in ms. */
export const requestTimeout = 10_000

export class Session {
  readonly #settings: SalesforceSettings
  readonly #library: Library
  readonly #wire: Wire
  readonly #closed = new AbortController()
  /** The one in use, or on its way. */
  #token: Promise<Token> | undefined
  /** That Salesforce has not let the server in. */
  #refused: { until: number; cause: Error } | undefined

  constructor(settings: SalesforceSettings, library: Library, wire: Wire) {
    this.#settings = settings
    this.#library = library
    this.#wire = wire
  }

  /**
   * For one attempt: every request ends with the signal, or after `timeout` (ms). A session that has ended is renewed, once.
   *
   * @throws {NoAnswer}
   * @throws {NotLetIn}
   */
  async connect(signal: AbortSignal, timeout = requestTimeout): Promise<Attempt> {
    const { accessToken, instanceUrl, userId } = await this.#current()
    const { apiVersion, loginUrl } = this.#settings
    let renewals = 0
    const connection = new this.#library.Connection({
      accessToken,
      instanceUrl,
      loginUrl,
      version: apiVersion,
      // jsforce would renew it for ever.
      refreshFn: (_, done) => {
        renewals += 1
        if (renewals > 1) return done(new Error('INVALID_SESSION_ID: Salesforce takes no new session either'))
        this.#renew(accessToken).then((token) => done(null, token.accessToken), done)
      },
    })
    connection._transport = this.#wire.transport(AbortSignal.any([signal, this.#closed.signal]), timeout)
    return { connection, userId }
  }

  close(): void {
    this.#closed.abort()
  }

  /** @throws {NotLetIn} without asking, soon after a refusal: all that waits would ask. */
  #current(): Promise<Token> {
    const { until, cause } = this.#refused ?? { until: 0 }
    if (cause && until > Date.now()) return Promise.reject(new NotLetIn(until - Date.now(), { cause }))
    this.#token ??= this.#request().catch((error: unknown) => {
      this.#token = undefined
      throw error
    })
    return this.#token
  }

  /** A token in place of one that is good no more; another attempt may have got it already. */
  async #renew(ended: string): Promise<Token> {
    const current = await this.#current()
    if (current.accessToken !== ended) return current
    this.#token = undefined
    return this.#current()
  }

  async #request(): Promise<Token> {
    const { loginUrl, clientId, username, key } = this.#settings
    const assertion = await new SignJWT()
      .setProtectedHeader({ alg: 'RS256' })
      .setIssuer(clientId)
      .setSubject(username)
      .setAudience(loginUrl)
      .setExpirationTime(`${assertionLife}s`)
      .sign(key)
    const oauth = new this.#library.OAuth2({ loginUrl })
    oauth._transport = this.#wire.transport(this.#closed.signal, requestTimeout)
    try {
      return tokenOf(await oauth.requestToken({ grant_type: grant, assertion }), loginUrl)
    } catch (error) {
      if (!(error instanceof Refusal && error.status < 429)) throw error
      this.#refused = { until: Date.now() + refusedFor, cause: error }
      throw new NotLetIn(refusedFor, { cause: error })
    }
  }
}

/** Of Salesforce, or where tokens are given; on loopback only where they are given there. */
function isInstance(url: URL, login: URL): boolean {
  return (
    isSafe(url) && (url.hostname === login.hostname || (url.protocol === 'https:' && ofSalesforce.test(url.hostname)))
  )
}

function tokenOf(
  answer: { access_token?: unknown; instance_url?: unknown; id?: unknown } | undefined,
  loginUrl: string,
): Token {
  const { access_token: accessToken, instance_url: instanceUrl, id } = answer ?? {}
  if (typeof accessToken !== 'string' || typeof instanceUrl !== 'string')
    throw new NoAnswer('Salesforce gave no token that can be read')
  // The token goes there with every request.
  if (!URL.canParse(instanceUrl) || !isInstance(new URL(instanceUrl), new URL(loginUrl)))
    throw new NoAnswer('Salesforce names an instance that is not safe to call')
  // `https://login.salesforce.com/id/<org>/<user>`
  return { accessToken, instanceUrl, userId: String(id).split('/').at(-1) ?? '' }
}
