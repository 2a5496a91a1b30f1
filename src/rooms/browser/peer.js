/** The connection to one other member of a call, by perfect negotiation (W3C WebRTC section 10.7). */

/** @typedef {import('./call.js').Call} Call */
/** @typedef {{ id: string, userId: number, role: string, order: number, joins: number }} Member */
/** @typedef {{ description?: RTCSessionDescription | null, candidate?: RTCIceCandidate | null }} Message */

export class Peer {
  onstream = (/** @type {MediaStream} */ _stream) => {}
  onstate = (/** @type {RTCPeerConnectionState} */ _state) => {}
  onfailure = (/** @type {unknown} */ _error) => {}
  #call
  #own
  #stream
  /** Which of their connections a signal is of: each grows when a page is loaded again. */
  #tag
  #polite
  #makingOffer = false
  #ignoringOffer = false
  #settingAnswer = false
  #sending = Promise.resolve()
  #hearing = Promise.resolve()
  /** @type {Set<string>} */
  #streams = new Set()

  /**
   * @param {Call} call @param {Member} own @param {Member} other @param {RTCConfiguration} configuration
   * @param {MediaStream} [stream]
   */
  constructor(call, own, other, configuration, stream) {
    this.#stream = stream
    this.#call = call
    this.#own = own
    this.other = other
    this.#polite = own.order > other.order
    const [first, second] = this.#polite ? [other, own] : [own, other]
    this.#tag = `${first.joins}-${second.joins}`
    this.connection = new RTCPeerConnection(configuration)
    this.connection.onnegotiationneeded = () => this.#offer().catch((error) => this.onfailure(error))
    this.connection.onicecandidate = ({ candidate }) => candidate && this.#send('candidate', { candidate })
    this.connection.onconnectionstatechange = () => this.#changed().catch((error) => this.onfailure(error))
    this.connection.ontrack = ({ streams: [stream] }) => {
      if (stream === undefined || this.#streams.has(stream.id)) return
      this.#streams.add(stream.id)
      this.onstream(stream)
    }
  }

  /**
   * Makes the first offer; the other side waits for it, as a connection that gives way before it has found any path may
   * find none afterwards (seen in Chromium: it gathers no more candidates).
   */
  begin() {
    if (this.#stream) this.#give()
    else for (const kind of ['audio', 'video']) this.connection.addTransceiver(kind, { direction: 'recvonly' })
  }

  close() {
    this.connection.close()
  }

  /** One after the other, in the order in which they were said. @param {string} text */
  hear(text) {
    // What the other says is not to be relied on: nothing of it may end the call.
    this.#hearing = this.#hearing.then(() => this.#take(text)).catch((error) => this.onfailure(error))
  }

  /** Adds what the other gets, once. */
  #give() {
    for (const track of this.#stream?.getTracks() ?? []) {
      const given = this.connection.getSenders().some((sender) => sender.track === track)
      if (!given) this.connection.addTrack(track, /** @type {MediaStream} */ (this.#stream))
    }
  }

  async #offer() {
    try {
      this.#makingOffer = true
      await this.connection.setLocalDescription()
      this.#send('description', { description: this.connection.localDescription })
    } finally {
      this.#makingOffer = false
    }
  }

  /** @param {string} text */
  async #take(text) {
    /** @type {Message & { tag?: string }} */
    const { tag, description, candidate } = JSON.parse(text)
    const { connection } = this
    if (tag !== this.#tag) return
    if (connection.signalingState === 'closed') return
    if (description) {
      const ready = !this.#makingOffer && (connection.signalingState === 'stable' || this.#settingAnswer)
      this.#ignoringOffer = !this.#polite && description.type === 'offer' && !ready
      if (this.#ignoringOffer) return
      this.#settingAnswer = description.type === 'answer'
      // Of a polite one that has offered too, this takes its own offer back.
      await connection.setRemoteDescription(description).finally(() => (this.#settingAnswer = false))
      if (description.type !== 'offer') return
      this.#give()
      await connection.setLocalDescription()
      this.#send('description', { description: connection.localDescription })
    } else if (candidate) {
      await connection.addIceCandidate(candidate).catch((error) => {
        if (!this.#ignoringOffer) throw error
      })
    }
  }

  async #changed() {
    const { connection } = this
    this.onstate(connection.connectionState)
    if (connection.connectionState !== 'failed') return
    const configuration = await this.#call.configuration()
    if (connection.connectionState !== 'failed') return
    connection.setConfiguration(configuration)
    connection.restartIce()
  }

  /** @param {'description' | 'candidate'} kind @param {Message} message */
  #send(kind, message) {
    const body = { from: this.#own.id, to: this.other.id, kind, data: JSON.stringify({ tag: this.#tag, ...message }) }
    this.#sending = this.#sending
      .then(() => this.#call.request('POST', '/signals', body))
      // Who is no longer there hears nothing.
      .catch((error) => error.status === 404 || this.onfailure(error))
  }
}
