/** A peer that has made an offer: its connection, and the channels that it opens on it. */

import { randomBytes } from 'node:crypto'
import type { DataChannel, PeerConnection, RtcConfig } from 'node-datachannel'
import { Problem } from '../../errors.ts'
import { Channel, type ChannelSettings } from './channel.ts'
import { type Library, safely } from './library.ts'
import { type Fragment, maxCandidates, type Offer, writeOffer } from './sdp.ts'

/** Labels of channels: the peer opens the first in order, and the second without. One of each. */
export const labels: ReadonlySet<string> = new Set(['json-rpc', 'json-rpc-unordered'])

/** How long is waited for what STUN and TURN servers say, in ms. */
const gatheringTime = 2000
/**
 * How long a peer may try to reach the server before the server tries to reach it, in ms. What is sent to a peer that has
 * not read the answer yet is lost, and sent again a second later, when both could have been connected long since.
 */
const headStart = 500
/** What has been sent is still to arrive when the last channel is closed, in ms. */
const closingTime = 1000

export interface PeerSettings extends Omit<ChannelSettings, 'onClosed'> {
  library: Library
  rtc: RtcConfig
  /** Whose it is: the principal of the offer. */
  owner: string
  onClosed: (peer: Peer) => void
}

export class Peer {
  /** Who knows it may end it. */
  readonly id = randomBytes(16).toString('base64url')
  /** Of the ICE session, of which there is no other (RFC 9725 section 4.3.1). */
  readonly etag = `"${randomBytes(6).toString('base64url')}"`
  readonly owner: string
  readonly #settings: PeerSettings
  readonly #offer: Offer
  readonly #connection: PeerConnection
  readonly #channels = new Map<string, Channel>()
  #candidates = 0
  /** Candidates of the peer that are not tried yet; nothing once there is nothing to wait for. */
  #untried: string[] | undefined = []
  #later: NodeJS.Timeout | undefined
  #draining = false
  #ended = false
  /** Running while there is no channel. */
  #alone: NodeJS.Timeout | undefined

  /** @throws {Problem} `malformed-request` for an offer that the library does not take. */
  constructor(offer: Offer, settings: PeerSettings) {
    const { library, rtc, owner } = settings
    this.owner = owner
    this.#settings = settings
    this.#offer = offer
    try {
      this.#connection = new library.PeerConnection('', rtc)
    } catch (error) {
      settings.onClosed(this)
      throw error
    }
    this.#connection.onDataChannel(this.#safely((channel) => this.#accept(channel)))
    this.#connection.onStateChange(this.#safely((state) => this.#follow(state)))
    this.#endAfter(settings.limits.connectFor)
    try {
      this.#connection.setRemoteDescription(writeOffer(offer), 'offer')
      this.#connection.setLocalDescription('answer')
    } catch (error) {
      this.close()
      throw new Problem('malformed-request', 'The offer cannot be answered', { cause: error })
    }
    this.add(offer)
  }

  /**
   * The answer, with all that the server knows of itself by then.
   *
   * @throws {Problem} `unavailable` when the server has stopped meanwhile.
   */
  async answer(): Promise<string> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, gatheringTime)
      const look = () => {
        if (!this.#ended && this.#connection.gatheringState() !== 'complete') return
        clearTimeout(timer)
        resolve()
      }
      this.#connection.onGatheringStateChange(safely(look, () => resolve()))
      look()
    })
    if (this.#ended) throw new Problem('unavailable', 'The connection is closed')
    this.#later = setTimeout(
      this.#safely(() => this.#reach()),
      headStart,
    )
    return this.#connection.localDescription()?.sdp ?? ''
  }

  /** Whether a fragment is of the ICE session of the offer, not of another that is to follow it. */
  isOf({ ufrag, password }: Fragment): boolean {
    return (
      (ufrag ?? this.#offer.ufrag) === this.#offer.ufrag && (password ?? this.#offer.password) === this.#offer.password
    )
  }

  /** Tries these candidates of the peer too; those beyond the limit are not. */
  add({ candidates }: Pick<Fragment, 'candidates'>): void {
    const taken = candidates.slice(0, maxCandidates - this.#candidates)
    this.#candidates += taken.length
    if (this.#untried) this.#untried.push(...taken)
    else this.#try(taken)
  }

  /** Answers what is under way, then closes. */
  drain(): void {
    this.#draining = true
    if (this.#channels.size === 0) this.close()
    for (const channel of this.#channels.values()) channel.drain()
  }

  close(): void {
    if (this.#ended) return
    this.#ended = true
    clearTimeout(this.#alone)
    clearTimeout(this.#later)
    try {
      for (const channel of this.#channels.values()) channel.gone()
      this.#connection.close()
    } catch (error) {
      this.#settings.report(error)
    } finally {
      this.#settings.onClosed(this)
    }
  }

  /** What is thrown when the library or a timer calls ends this peer, not the process. */
  #safely<Given extends unknown[]>(work: (...given: Given) => void): (...given: Given) => void {
    return safely(work, (error) => {
      this.#settings.report(error)
      this.close()
    })
  }

  #follow(state: string): void {
    if (state === 'connected') this.#untried = []
    else if (state === 'failed' || state === 'closed') this.close()
  }

  #reach(): void {
    const untried = this.#untried ?? []
    this.#untried = undefined
    this.#try(untried)
  }

  #try(candidates: readonly string[]): void {
    for (const candidate of candidates) {
      try {
        this.#connection.addRemoteCandidate(candidate, this.#offer.mid)
      } catch {
        // One that the library does not take is as one that leads nowhere.
      }
    }
  }

  #accept(channel: DataChannel): void {
    const label = channel.getLabel()
    if (this.#ended || this.#draining || !labels.has(label) || this.#channels.has(label)) {
      channel.close()
      return
    }
    clearTimeout(this.#alone)
    this.#channels.set(label, new Channel(channel, { ...this.#settings, onClosed: () => this.#forget(label) }))
  }

  #forget(label: string): void {
    this.#channels.delete(label)
    if (this.#channels.size === 0) this.#endAfter(closingTime)
  }

  #endAfter(time: number): void {
    clearTimeout(this.#alone)
    if (!this.#ended) this.#alone = setTimeout(() => this.close(), time)
  }
}
