/** What the server may call for others: judged as a URL when it is given, and as an address at each connection. */

import { lookup as dnsLookup, type LookupAddress, type LookupOptions } from 'node:dns'
import { isIP } from 'node:net'
import { AllowList, isPublic, unbracketed } from './addresses.ts'
import { publicResolver, type Resolve } from './resolve.ts'

const resolvePublic = publicResolver()

/** Of a URL, in characters. */
const longestUrl = 2000
const httpsPort = 443
const firstUnprivilegedPort = 1024
/** Above the privileged ones, those at which other protocols listen (Fetch Standard, bad ports). */
const badPorts = new Set([
  1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080,
])

/** The address of a host is not one that the server may call. The message names no address. */
export class RefusedAddress extends Error {
  override readonly name = 'RefusedAddress'

  constructor() {
    super('the host has an address that may not be called')
  }
}

export class OutboundGuard {
  readonly #allowed: AllowList
  readonly #resolve: Resolve | undefined

  /**
   * `allowed`: hosts, addresses and networks. `resolve`: in place of the name servers, and of this machine for names that
   * are allowed.
   *
   * @throws {RangeError} for an entry that is none of these.
   */
  constructor(allowed: readonly string[], resolve?: Resolve) {
    this.#allowed = new AllowList(allowed)
    this.#resolve = resolve
  }

  /** Why a URL may not be called, as the end of a sentence; nothing when it may. A name is judged when it is called. */
  refusalOf(text: string): string | undefined {
    if (text.length > longestUrl) return `must be at most ${longestUrl} characters long`
    if (!URL.canParse(text)) return 'must be a URL'
    const { protocol, hostname, port, username, password, hash } = new URL(text)
    if (protocol !== 'https:' && protocol !== 'http:') return 'must begin with https:'
    if (username !== '' || password !== '') return 'must not hold a user name or password'
    if (hash !== '' || text.includes('#')) return 'must not hold a fragment'
    if (this.#allowed.hasHost(hostname)) return undefined
    if (protocol !== 'https:') return 'must begin with https:'
    if (port !== '' && !isOpen(Number(port))) return 'must name port 443, or one above 1023 that is no other protocol’s'
    return this.mayConnect(hostname) ? undefined : 'must have a public address'
  }

  /** Whether a host may be called as far as its text says: a name may, until it is looked up. */
  mayConnect(host: string): boolean {
    const name = unbracketed(host)
    return isIP(name) === 0 ? !isLocalName(name) || this.#allowed.hasHost(name) : this.#isGood(name)
  }

  /**
   * For `net.connect`: resolves a name once and judges each of its addresses. The connection is made to what was
   * judged, so that a name which leads elsewhere a moment later (DNS rebinding) gains nothing. One bad address
   * refuses all: it is no accident.
   */
  readonly lookup = (
    host: string,
    options: LookupOptions,
    done: (error: Error | null, address: string | LookupAddress[], family?: number) => void,
  ): void => {
    const isNamed = this.#allowed.hasHost(host)
    const resolve = this.#resolve ?? (isNamed ? dnsLookup : resolvePublic)
    resolve(host, { ...options, all: true }, (error, addresses) => {
      if (error) return done(error, [])
      const [first] = addresses
      const isGood = isNamed || addresses.every(({ address }) => this.#isGood(address))
      if (first === undefined || !isGood) return done(new RefusedAddress(), [])
      return options.all ? done(null, addresses) : done(null, first.address, first.family)
    })
  }

  #isGood(address: string): boolean {
    return isPublic(address) || this.#allowed.hasAddress(address)
  }
}

function isOpen(port: number): boolean {
  return port === httpsPort || (port >= firstUnprivilegedPort && !badPorts.has(port))
}

/** Names that resolvers answer with this machine (RFC 6761 section 6.3). */
function isLocalName(name: string): boolean {
  return /(^|\.)localhost\.?$/i.test(name)
}
