/** Data channels of WebRTC, whatever is spoken on them. Offers come by HTTP, as WHIP has them (RFC 9725). */

import { Socket } from 'node:net'
import type { FastifyRequest } from 'fastify'
import type { RtcConfig } from 'node-datachannel'
import { Admission, type AdmissionLimits } from '../../auth/admission.ts'
import type { Subprotocol } from '../../contract/conversation.ts'
import { headersOfConnection } from '../../contract/headers-of-connection.ts'
import type { Principal } from '../../contract/principal.ts'
import { Problem } from '../../errors.ts'
import { defaultLimits, type Limits } from './channel.ts'
import { hold, type Library, release } from './library.ts'
import { Peer, type PeerSettings } from './peer.ts'
import { type Place, Ports } from './ports.ts'
import { announce, type Offer, readFragment, readOffer } from './sdp.ts'

export { closing } from './closing.ts'
export { rtcOf } from './configuration.ts'

/** What the rest of a stop needs, in ms. */
const reserve = 500

export interface WebRtcSettings extends AdmissionLimits {
  rtc: RtcConfig
  /** Announced in the place of the server's own. */
  addresses: readonly string[]
  /** Bytes in one message. */
  maxMessage: number
  /** On one channel, those of batches counted one by one; 0 for no limit. */
  callsPerSecond: number
  /** Takes note of a fault of the server's own. */
  report: (error: unknown) => void
}

/** What an offer has come to. */
export interface Opened {
  id: string
  etag: string
  answer: string
}

/** As WHIP has it, where the list of problems has no code: a document whose type says no more than its status (RFC 9457 section 4.2.1). */
export interface Refusal {
  type: 'about:blank'
  title: string
  status: number
  detail: string
}

const unconditional: Refusal = {
  type: 'about:blank',
  title: 'Precondition Required',
  status: 428,
  detail: 'If-Match has the ETag of the answer',
}
const restart: Refusal = {
  type: 'about:blank',
  title: 'Unprocessable Content',
  status: 422,
  detail: 'ICE is not restarted here: make another offer',
}

export class WebRtc {
  /** What the next peer has to keep to. */
  limits: Readonly<Limits> = defaultLimits
  readonly #settings: WebRtcSettings
  readonly #admission: Admission
  readonly #ports: Ports
  readonly #peers = new Map<string, Peer>()
  /** Offers that wait for what a connection needs. */
  #waiting = 0
  #library: Promise<Library> | undefined
  #onEmpty: (() => void) | undefined

  constructor(settings: WebRtcSettings) {
    this.#settings = settings
    this.#admission = new Admission(settings)
    this.#ports = new Ports(settings.rtc)
  }

  /** Peers that have made an offer, and are not gone. */
  get size(): number {
    return this.#peers.size
  }

  /** Networks that have any. */
  get networks(): number {
    return this.#admission.networks
  }

  /** Whether a peer could be served now. @throws {Problem} `unavailable` */
  async check(): Promise<void> {
    const { free } = await this.#ports.take()
    free()
  }

  /**
   * Answers an offer. What the peer calls later has the headers of the request.
   *
   * @throws {Problem} `unauthenticated` for who could call nothing; `malformed-request`; `rate-limited` and `unavailable`
   * beyond the limits.
   */
  async open(request: FastifyRequest, principal: Principal, { open }: Subprotocol): Promise<Opened> {
    const { ip, id: requestId, headers } = request
    const { id: owner, kind, scopes } = principal
    // An offer names addresses that the server sends to.
    if (kind === 'anonymous' && scopes.size === 0)
      throw new Problem('unauthenticated', 'An offer needs a credential where nobody may call anything without')
    const offer = readOffer(String(request.body))
    const { leave, library, place } = await this.#admit(ip)
    const settings = {
      ...this.#settings,
      ...{ library, owner, open, requestId, limits: this.limits, rtc: { ...this.#settings.rtc, ...place.rtc } },
      peer: { socket: standIn(request.raw.socket), headers: headersOfConnection(headers), wire: 'webrtc' as const },
      onClosed: (closed: Peer) => {
        leave()
        place.free()
        this.#forget(closed)
      },
    }
    const peer = this.#begin(offer, settings)
    this.#peers.set(peer.id, peer)
    return { id: peer.id, etag: peer.etag, answer: announce(await peer.answer(), this.#settings.addresses) }
  }

  /**
   * Tries further candidates of a peer (RFC 9725 section 4.3.2), or says why not: `If-Match` is missing, or ICE would
   * have to be restarted (section 4.3.1). A fragment without `ice-ufrag` is of the session that `If-Match` names.
   *
   * @throws {Problem} `not-found` for a peer that is gone, or somebody else's; `precondition-failed`; `malformed-request`.
   */
  trickle(id: string, principal: Principal, ifMatch: string | undefined, text: string): Refusal | undefined {
    const peer = this.#find(id, principal)
    const fragment = readFragment(text)
    if (ifMatch === undefined) return unconditional
    if (!isNamed(peer.etag, ifMatch)) throw new Problem('precondition-failed', 'The ICE session is another')
    if (!peer.isOf(fragment)) return restart
    peer.add(fragment)
    return undefined
  }

  /** @throws {Problem} `not-found` for a peer that is gone, or somebody else's. */
  close(id: string, principal: Principal): void {
    this.#find(id, principal).close()
  }

  /**
   * Takes no more peers, answers what is under way with each and closes it.
   *
   * @param time In ms; a peer that is there shortly before its end is cut off.
   */
  async drain(time: number): Promise<void> {
    this.#admission.close()
    if (this.#peers.size > 0) {
      const empty = new Promise<void>((resolve) => {
        this.#onEmpty = resolve
      })
      for (const peer of this.#peers.values()) peer.drain()
      const cutOff = () => {
        for (const peer of this.#peers.values()) peer.close()
      }
      const timer = setTimeout(cutOff, Math.max(0, time - reserve))
      await empty
      clearTimeout(timer)
    }
    if (this.#library !== undefined) release(await this.#library, this.#settings.report)
  }

  /**
   * What a connection needs, which is to be made at once: what was found free stays so for this turn.
   *
   * @throws {Problem} `rate-limited` and `unavailable` beyond the limits.
   */
  async #admit(ip: string): Promise<{ leave: () => void; library: Library; place: Place }> {
    this.#admission.check(ip, this.#peers.size + this.#waiting)
    const leave = this.#admission.enter(ip)
    this.#waiting += 1
    try {
      const library = await this.#load()
      const place = await this.#ports.take()
      if (!this.#admission.isClosed) return { leave, library, place }
      place.free()
      throw new Problem('unavailable', 'The server is stopping', { headers: { 'retry-after': '5' } })
    } catch (error) {
      leave()
      throw error
    } finally {
      this.#waiting -= 1
    }
  }

  /** What could not be loaded is tried again by the next offer. */
  #load(): Promise<Library> {
    // One that fails to load for lack of a descriptor fails for good.
    this.#library ??= this.check()
      .then(hold)
      .catch((error: unknown) => {
        this.#library = undefined
        throw error
      })
    return this.#library
  }

  /** @throws {Problem} `unavailable` where the server lacks what a connection needs, such as a free port. */
  #begin(offer: Offer, settings: PeerSettings): Peer {
    try {
      return new Peer(offer, settings)
    } catch (error) {
      if (error instanceof Problem) throw error
      throw new Problem('unavailable', 'No further peer can be served', { cause: error })
    }
  }

  #find(id: string, { id: owner }: Principal): Peer {
    const peer = this.#peers.get(id)
    if (peer?.owner !== owner) throw new Problem('not-found', 'There is no such peer')
    return peer
  }

  #forget({ id }: Peer): void {
    this.#peers.delete(id)
    if (this.#peers.size === 0) this.#onEmpty?.()
  }
}

/** Whether `If-Match` holds; `*`, with which a restart is asked for, does for any session (RFC 9110 section 13.1.1). */
function isNamed(etag: string, ifMatch: string): boolean {
  return ifMatch.split(',').some((tag) => tag.trim() === '*' || tag.trim() === etag)
}

/** Stands for the connection of the offer, which ends, or carries other requests, while the peer stays. */
function standIn(socket: FastifyRequest['raw']['socket'] & { encrypted?: boolean }): Socket {
  const { remoteAddress, remoteFamily, remotePort, localAddress, localPort, encrypted } = socket
  const known = { remoteAddress, remoteFamily, remotePort, localAddress, localPort, encrypted }
  const properties = Object.entries(known).map(([name, value]) => [name, { value }])
  return Object.defineProperties(new Socket(), Object.fromEntries(properties))
}
