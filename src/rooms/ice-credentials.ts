/**
 * The STUN and TURN servers through which two browsers find a path to each other. A TURN server relays what they send,
 * so that it asks for a credential: one that is good for a time, made from a secret that both servers know, as coturn
 * (`use-auth-secret`) and draft-uberti-behave-turn-rest-00 have it.
 */

import { createHmac } from 'node:crypto'
import type { Principal } from '../contract/principal.ts'

export interface IceSettings {
  stun: readonly string[]
  turn: readonly string[]
  secret: string
  /** How long a credential is good at least, in ms; by up to a tenth longer, where the key of the caller is. */
  lifetime: number
}

/** Of them a lifetime has as many: within one, a principal has one name, so that a quota by name (`user-quota`) binds. */
const steps = 10

/** As `RTCPeerConnection` takes it. */
export interface IceServer {
  urls: string[]
  username?: string
  credential?: string
}

export interface IceServers {
  iceServers: IceServer[]
  expiresAt: string | null
}

export class IceCredentials {
  readonly #settings: IceSettings

  constructor(settings: IceSettings) {
    this.#settings = settings
  }

  /** Those that a principal may use now, with a credential of its own. */
  for({ id, userId, expiresAt }: Pick<Principal, 'id' | 'userId' | 'expiresAt'>): IceServers {
    const { stun, turn, secret, lifetime } = this.#settings
    const iceServers: IceServer[] = stun.length > 0 ? [{ urls: [...stun] }] : []
    if (turn.length === 0) return { iceServers, expiresAt: null }
    const step = lifetime / steps
    const rounded = Math.ceil((Date.now() + lifetime) / step) * step
    // What a key makes lasts no longer than the key.
    const until = Math.min(rounded, Date.parse(expiresAt ?? '') || Number.POSITIVE_INFINITY)
    const expires = Math.floor(until / 1000)
    // The colon ends the time; by what follows the TURN server counts its quotas, whichever key of a user asks.
    const name = userId === undefined ? id : `user:${userId}`
    const username = `${expires}:${name.replaceAll(':', '-')}`
    const credential = createHmac('sha1', secret).update(username).digest('base64')
    iceServers.push({ urls: [...turn], username, credential })
    return { iceServers, expiresAt: new Date(expires * 1000).toISOString() }
  }
}
