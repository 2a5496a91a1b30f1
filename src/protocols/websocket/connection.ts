/** One WebSocket: what comes in is answered in any order, and never faster than its peer reads. */

import type { WebSocket } from 'ws'
import { Problem } from '../../errors.ts'
import type { JsonRpc, RpcSession } from '../json-rpc/index.ts'

/** Messages that are being answered; more wait, and the peer is not read from meanwhile. */
const maxInFlight = 64
/** Bytes that the peer has not read yet, above which it is not read from either. */
const highWater = 1_048_576
/** How long a peer may leave that much unread, in ms; then it is cut off. */
const slowFor = 30_000
/** How long a connection may stay without a message, in ms. */
const idleFor = 3_600_000

/** Close codes (RFC 6455 section 7.4.1). */
export const closeCodes = { idle: 1000, goingAway: 1001, binary: 1003, slow: 1013 } as const

export class Connection {
  readonly #socket: WebSocket
  readonly #rpc: JsonRpc
  readonly #session: RpcSession
  readonly #abort = new AbortController()
  readonly #waiting: string[] = []
  #inFlight = 0
  #draining = false
  #alive = true
  #lastMessage = Date.now()
  #slowSince: number | undefined

  constructor(socket: WebSocket, rpc: JsonRpc, peer: RpcSession['peer'], onClosed: (connection: Connection) => void) {
    this.#socket = socket
    this.#rpc = rpc
    this.#session = { peer, signal: this.#abort.signal }
    socket.on('message', (data: Buffer, isBinary) => {
      if (isBinary) this.close(closeCodes.binary, 'messages are texts')
      else this.#take(data.toString())
    })
    socket.on('pong', () => {
      this.#alive = true
    })
    socket.on('error', () => socket.terminate())
    socket.on('close', () => {
      this.#waiting.length = 0
      this.#abort.abort(new Problem('timeout', 'The connection is closed'))
      onClosed(this)
    })
  }

  /** Looks after the connection, now and then: a peer that is gone, idle or slow is let go. */
  check(): void {
    const now = Date.now()
    if (!this.#alive) this.#socket.terminate()
    else if (this.#slowSince !== undefined && now - this.#slowSince > slowFor) {
      this.close(closeCodes.slow, 'read faster')
      // Nobody reads what says so.
      this.#socket.terminate()
    } else if (now - this.#lastMessage > idleFor && this.#inFlight === 0) this.close(closeCodes.idle, 'idle')
    else {
      this.#alive = false
      this.#socket.ping()
    }
  }

  /** Answers what is under way, then closes. */
  drain(): void {
    this.#draining = true
    this.#socket.pause()
    this.#endIfDrained()
  }

  close(code: number, reason: string): void {
    this.#socket.close(code, reason)
  }

  terminate(): void {
    this.#socket.terminate()
  }

  #take(text: string): void {
    this.#lastMessage = Date.now()
    this.#alive = true
    if (this.#inFlight >= maxInFlight || this.#slowSince !== undefined) {
      this.#waiting.push(text)
      this.#socket.pause()
      return
    }
    this.#answer(text)
  }

  #answer(text: string): void {
    const answer = this.#rpc.answer(text, this.#session)
    if (typeof answer === 'string') {
      this.#send(answer)
      return
    }
    this.#inFlight += 1
    answer.then((told) => {
      this.#inFlight -= 1
      if (told !== undefined) this.#send(told)
      if (this.#waiting.length > 0) this.#goOn()
      if (this.#draining) this.#endIfDrained()
    })
  }

  #send(text: string): void {
    const socket = this.#socket
    if (socket.readyState !== socket.OPEN) return
    if (socket.bufferedAmount < highWater) {
      socket.send(text)
      return
    }
    this.#slowSince ??= Date.now()
    socket.pause()
    socket.send(text, () => {
      if (socket.bufferedAmount >= highWater) return
      this.#slowSince = undefined
      this.#goOn()
    })
  }

  #goOn(): void {
    while (this.#waiting.length > 0 && this.#inFlight < maxInFlight && this.#slowSince === undefined) {
      this.#answer(this.#waiting.shift() as string)
    }
    if (this.#waiting.length === 0 && this.#slowSince === undefined && !this.#draining) this.#socket.resume()
  }

  #endIfDrained(): void {
    if (this.#inFlight > 0 || this.#waiting.length > 0) return
    // Paused, it would not see the peer's own close.
    this.#socket.resume()
    this.close(closeCodes.goingAway, 'the server is stopping')
  }
}
