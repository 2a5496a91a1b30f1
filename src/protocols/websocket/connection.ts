/** One WebSocket, which is never answered faster than its peer reads. */

import type { WebSocket } from 'ws'
import type { Conversation, Line, Subprotocol } from '../../contract/conversation.ts'
import { Turns } from '../../contract/turns.ts'
import { Problem } from '../../errors.ts'
import { textFrames } from './frame.ts'

export interface Limits {
  /** Calls that are being answered; more wait, and the peer is not read from meanwhile. */
  inFlight: number
  /** Bytes that the peer has not read yet, above which it is not read from either. */
  unread: number
  /** How long a peer may leave that much unread, in ms; then it is cut off. */
  slowFor: number
  /** How long a connection may stay without a message, in ms. */
  idleFor: number
  /** How often a peer is asked whether it is still there, and has to have answered the last time, in ms. */
  heartbeat: number
}

export const defaultLimits: Readonly<Limits> = {
  inFlight: 64,
  unread: 1_048_576,
  slowFor: 30_000,
  idleFor: 3_600_000,
  heartbeat: 30_000,
}

/**
 * Close codes that are ours (RFC 6455 section 7.4.1); 1002, 1007 and 1009, for frames that break the protocol, are no
 * UTF-8 or are too big, come from the library.
 */
export const closeCodes = { idle: 1000, goingAway: 1001, binary: 1003, internal: 1011, slow: 1013 } as const

export interface ConnectionSettings {
  open: Subprotocol['open']
  peer: Line['peer']
  /** Of the upgrade. */
  requestId: string
  limits: Readonly<Limits>
  /** 0 for no limit. */
  callsPerSecond: number
  onClosed: (connection: Connection) => void
}

export class Connection {
  readonly #socket: WebSocket
  readonly #stream: Line['peer']['socket']
  readonly #limits: Readonly<Limits>
  readonly #conversation: Conversation
  readonly #turns: Turns
  readonly #abort = new AbortController()
  readonly #heartbeat: NodeJS.Timeout
  /** Answers of this turn, not written yet. */
  #answers: string[] = []
  readonly #write = () => this.#flush()
  /** Characters among them that no request has asked for. */
  #pushed = 0
  #draining = false
  #alive = true
  #lastMessage = performance.now()
  /** Running while the peer leaves too much unread. */
  #slow: NodeJS.Timeout | undefined
  /** Those that wait until the peer has read enough to be told more. */
  #drained: (() => void)[] = []

  constructor(socket: WebSocket, settings: ConnectionSettings) {
    const { open, peer, requestId, limits, callsPerSecond, onClosed } = settings
    this.#socket = socket
    this.#stream = peer.socket
    this.#limits = limits
    this.#conversation = open({
      peer,
      requestId,
      signal: this.#abort.signal,
      push: (texts) => this.#push(texts),
      close: (code, reason) => this.#close(code, reason),
    })
    this.#turns = new Turns({
      conversation: this.#conversation,
      inFlight: limits.inFlight,
      callsPerSecond,
      isHeld: () => this.#slow !== undefined,
      send: (text) => this.#send(text),
      onAnswered: () => this.#endIfDrained(),
      onCaughtUp: () => this.#readOn(),
      onFailed: () => this.#close(closeCodes.internal, 'something went wrong'),
    })
    this.#heartbeat = setInterval(() => this.#check(), limits.heartbeat).unref()
    socket.on('message', (data: Buffer, isBinary) => {
      if (isBinary) this.#close(closeCodes.binary, 'messages are texts')
      else if (socket.readyState === socket.OPEN) this.#take(data.toString())
    })
    socket.on('pong', () => {
      this.#alive = true
    })
    // The library has sent the code that says what was wrong, and closes.
    socket.on('error', () => {})
    socket.on('close', () => {
      clearInterval(this.#heartbeat)
      clearTimeout(this.#slow)
      this.#turns.drop()
      this.#abort.abort(new Problem('timeout', 'The connection is closed'))
      this.#conversation.gone()
      this.#release()
      onClosed(this)
    })
  }

  /** Answers what is under way, ends subscriptions, then closes. What has come in and not begun is answered too: as refused. */
  drain(): void {
    this.#draining = true
    this.#conversation.end(new Problem('unavailable', 'The server is stopping'))
    this.#socket.pause()
    this.#turns.end()
    this.#endIfDrained()
  }

  terminate(): void {
    this.#socket.terminate()
  }

  #take(text: string): void {
    const now = performance.now()
    this.#lastMessage = now
    this.#alive = true
    if (!this.#turns.take(text, now)) this.#socket.pause()
  }

  /** What is answered in one turn leaves in one write: each costs the kernel as much as the call does here. */
  #send(text: string): void {
    if (this.#answers.push(text) === 1) process.nextTick(this.#write)
  }

  /** What subscriptions tell is not sent to a peer that leaves much unread: they go on behind it when it has read on. */
  #push(texts: readonly string[]): Promise<void> | undefined {
    for (const text of texts) {
      this.#send(text)
      this.#pushed += text.length
    }
    if (this.#draining) process.nextTick(() => this.#endIfDrained())
    const { bufferedAmount } = this.#socket
    if (this.#slow === undefined && bufferedAmount + this.#pushed < this.#limits.unread) return undefined
    return new Promise((resolve) => this.#drained.push(resolve))
  }

  #release(): void {
    if (this.#drained.length === 0) return
    const drained = this.#drained
    this.#drained = []
    for (const goOn of drained) goOn()
  }

  #flush(): void {
    const socket = this.#socket
    const answers = this.#answers
    if (answers.length === 0) return
    this.#answers = []
    this.#pushed = 0
    // Behind the frame that closes it nothing may follow.
    if (socket.readyState !== socket.OPEN) return
    const frames = textFrames(answers)
    const stream = this.#stream
    if (socket.bufferedAmount + frames.length < this.#limits.unread) {
      stream.write(frames)
      this.#release()
      return
    }
    this.#slow ??= setTimeout(() => this.#cutOff(), this.#limits.slowFor)
    socket.pause()
    stream.write(frames, () => {
      if (socket.bufferedAmount >= this.#limits.unread) return
      clearTimeout(this.#slow)
      this.#slow = undefined
      this.#release()
      this.#turns.goOn()
    })
  }

  #close(code: number, reason: string): void {
    this.#flush()
    this.#socket.close(code, reason)
  }

  /** The code stands behind what the peer has not read; whoever reads on before the close is forced sees it. */
  #cutOff(): void {
    this.#turns.drop()
    this.#socket.resume()
    this.#close(closeCodes.slow, 'read faster')
  }

  #readOn(): void {
    if (this.#slow === undefined && !this.#draining) this.#socket.resume()
  }

  /** A peer that is gone or idle is let go. One that is not read from cannot show that it is there. */
  #check(): void {
    if (this.#socket.isPaused) return
    if (!this.#alive) this.#socket.terminate()
    else if (performance.now() - this.#lastMessage > this.#limits.idleFor && this.#turns.isQuiet)
      this.#close(closeCodes.idle, 'idle')
    else {
      this.#alive = false
      this.#socket.ping()
    }
  }

  #endIfDrained(): void {
    if (!this.#turns.isQuiet) return
    // Paused, it would not see the peer's own close.
    this.#socket.resume()
    this.#close(closeCodes.goingAway, 'the server is stopping')
  }
}
