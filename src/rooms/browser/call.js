/**
 * A call in a room, for browsers: each member sends audio and video to every other by itself (a mesh). Connections are
 * made by perfect negotiation (W3C WebRTC section 10.7) over operations and events of this server:
 *
 *   import { Call } from '/rtc/call.js'
 *   const call = new Call({ room: 7, token: () => accessToken, stream })
 *   call.addEventListener('stream', ({ detail: { member, stream } }) => show(member, stream))
 *   await call.join()
 *
 * Events: `joined` { member, others }; of another `stream` { member, stream }, `state` { member, state } (that of its
 * connection) and `left` { member, reason }; and why a call is over: `closed` { reason }, which is `left`, `removed`,
 * `ended`, `replaced` where a further page has taken the same place, or `refused` where the place was lost and the
 * room is full. `error` { error }: it goes on all the same.
 */

import { Peer } from './peer.js'

/** @typedef {import('./peer.js').Member} Member */

/** In ms; a place is free after a minute without a sign of life. */
const presenceEvery = 20_000
const retryAfter = 1000

export class Call extends EventTarget {
  /** @type {Member | undefined} */
  member
  /** By the id of the member. @type {Map<string, Peer>} */
  peers = new Map()
  #options
  #closed = false
  #cursor = ''
  #following = new AbortController()
  /** @type {number | undefined} */
  #presence
  /** @type {Promise<void> | undefined} */
  #entering

  /**
   * @param {{ room: number, token: () => string | Promise<string>, stream?: MediaStream, server?: string,
   *   configuration?: RTCConfiguration }} options `token` gives an access token, or a key, with `rooms:read`,
   *   `rooms:write` and `events:read`, and is asked before each request; `stream` is what the others get.
   */
  constructor(options) {
    super()
    this.#options = { server: location.origin, configuration: {}, ...options }
  }

  /** Takes a place, the one that this tab had before its page was loaded again. @throws {Error} where that is refused. */
  async join() {
    await this.#enter()
    if (this.#closed) return
    this.#presence = setInterval(() => this.#keep().catch((error) => this.#failed(error)), presenceEvery)
    this.#follow()
  }

  /** Frees the place. A page that is closed without this is gone a minute later. */
  async leave() {
    if (this.#closed) return
    const { member } = this
    this.#close('left')
    if (member) await this.request('DELETE', `/members/${member.id}`)
  }

  /**
   * Calls an operation on the room.
   * @param {string} method @param {string} path @param {object} [body] @returns {Promise<any>}
   */
  async request(method, path, body) {
    const { server, room } = this.#options
    const url = path === '/ice-servers' ? server + path : `${server}/rooms/${room}${path}`
    while (true) {
      const authorization = `Bearer ${await this.#options.token()}`
      const headers = { authorization, ...(body && { 'content-type': 'application/json' }) }
      const answer = await fetch(url, { method, headers, ...(body && { body: JSON.stringify(body) }) })
      const text = await answer.text()
      if (answer.ok) return text === '' ? undefined : JSON.parse(text)
      if (answer.status !== 429)
        throw Object.assign(new Error(detailOf(text) ?? `${method} ${path}: ${answer.status}`), {
          status: answer.status,
        })
      await wait(1000 * Number(answer.headers.get('retry-after') ?? 1))
    }
  }

  /** Where connections may find a path; credentials are good for a time. @returns {Promise<RTCConfiguration>} */
  async configuration() {
    const { iceServers } = await this.request('GET', '/ice-servers')
    return { iceServers, ...this.#options.configuration }
  }

  async #enter() {
    const kept = `septet-room-${this.#options.room}`
    const memberId = this.member?.id ?? sessionStorage.getItem(kept)
    const configuration = await this.configuration()
    const { member, others, cursor } = await this.request('POST', '/members', memberId ? { memberId } : {})
    // Left meanwhile: the place is not needed any more.
    if (this.#closed) return this.request('DELETE', `/members/${member.id}`)
    sessionStorage.setItem(kept, member.id)
    for (const peer of this.peers.values()) peer.close()
    this.peers.clear()
    this.member = member
    this.#cursor = cursor
    this.#tell('joined', { member, others })
    // Who comes begins, also to begin anew; who came at the same moment, but later, begins by itself.
    for (const other of others) this.#connect(other, configuration, member.joins > 1 || other.order < member.order)
  }

  /** @param {Member} other @param {RTCConfiguration} configuration @param {boolean} begins */
  #connect(other, configuration, begins) {
    this.peers.get(other.id)?.close()
    const own = /** @type {Member} */ (this.member)
    const peer = new Peer(this, own, other, configuration, this.#options.stream)
    this.peers.set(other.id, peer)
    peer.onstream = (stream) => this.#tell('stream', { member: other, stream })
    peer.onstate = (state) => this.#tell('state', { member: other, state })
    peer.onfailure = (error) => this.#failed(error)
    if (begins) peer.begin()
  }

  async #keep() {
    try {
      await this.request('PUT', `/members/${this.member?.id}/presence`)
    } catch (error) {
      if (/** @type {{ status?: number }} */ (error).status !== 404 || this.#closed) throw error
      await this.#again()
    }
  }

  /** Takes a place anew, and follows from there; once, whoever finds that the place is lost. */
  #again() {
    this.#entering ??= this.#enter()
      .catch((error) => {
        if (![403, 404, 409].includes(error.status)) throw error
        this.#close('refused')
      })
      .then(() => this.#following.abort())
      .finally(() => {
        this.#entering = undefined
      })
    return this.#entering
  }

  /** Hears what happens, behind what it has heard, however often the connection is lost. */
  async #follow() {
    while (!this.#closed) {
      this.#following = new AbortController()
      try {
        const { server, room, token } = this.#options
        const headers = { accept: 'text/event-stream', authorization: `Bearer ${await token()}` }
        const url = `${server}/events?subject=/rooms/${room}&cursor=${this.#cursor}`
        const answer = await fetch(url, { headers, signal: this.#following.signal })
        // What it has missed is no longer kept.
        if (answer.status === 410) await this.#again()
        if (!answer.ok || answer.body === null) throw new Error(`GET /events: ${answer.status}`)
        for await (const event of eventsOf(answer.body)) {
          // First: one that cannot be heard must not come again and again.
          this.#cursor = event.sequence
          await this.#hear(event)
        }
      } catch (error) {
        if (this.#following.signal.aborted) continue
        this.#failed(error)
      }
      await wait(retryAfter)
    }
  }

  /** @param {{ type: string, data: any }} event */
  async #hear({ type, data }) {
    const own = /** @type {Member} */ (this.member)
    const peer = this.peers.get(type === 'room.signal' ? data.from : data.id)
    if (type === 'room.ended') this.#close('ended')
    else if (type === 'room.signal' && data.to === own.id) peer?.hear(data.data)
    else if (type === 'room.member-joined' && data.id === own.id && data.joins > own.joins) this.#close('replaced')
    else if (type === 'room.member-joined' && data.id !== own.id && !(peer && peer.other.joins >= data.joins)) {
      this.#connect(data, await this.configuration(), false)
    } else if (type === 'room.member-left' && data.id === own.id) {
      if (data.reason === 'gone') await this.#again()
      else this.#close(data.reason)
    } else if (type === 'room.member-left' && peer) {
      peer.close()
      this.peers.delete(data.id)
      this.#tell('left', { member: data, reason: data.reason })
    }
  }

  /** @param {string} reason */
  #close(reason) {
    if (this.#closed) return
    this.#closed = true
    clearInterval(this.#presence)
    this.#following.abort()
    for (const peer of this.peers.values()) peer.close()
    this.peers.clear()
    // A further page has the place.
    if (reason !== 'replaced') sessionStorage.removeItem(`septet-room-${this.#options.room}`)
    this.#tell('closed', { reason })
  }

  /** @param {unknown} error */
  #failed(error) {
    if (!this.#closed) this.#tell('error', { error })
  }

  /** @param {string} type @param {object} detail */
  #tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }))
  }
}

/** The events of a `text/event-stream`. @param {ReadableStream<Uint8Array<ArrayBuffer>>} body */
async function* eventsOf(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader()
  let text = ''
  try {
    while (true) {
      const { done, value = '' } = await reader.read()
      if (done) return
      const parts = (text + value).split('\n\n')
      text = parts.pop() ?? ''
      for (const part of parts) {
        const data = /^data: (.*)$/m.exec(part)?.[1]
        if (data !== undefined) yield JSON.parse(data)
      }
    }
  } finally {
    await reader.cancel().catch(() => {})
  }
}

/** @param {number} milliseconds */
function wait(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds))
}

/**
 * What a problem document says.
 *
 * @param {string} text
 * @returns {string | undefined}
 */
function detailOf(text) {
  try {
    return JSON.parse(text).detail
  } catch {
    return undefined
  }
}
