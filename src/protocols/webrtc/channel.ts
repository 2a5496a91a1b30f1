/**
 * One data channel with a conversation on it. Its peer cannot be kept from sending: what has come in waits for its turn,
 * and a peer that is too far ahead is cut off.
 */

import type { DataChannel } from 'node-datachannel'
import type { Conversation, Line, Subprotocol } from '../../contract/conversation.ts'
import { Turns } from '../../contract/turns.ts'
import { Problem } from '../../errors.ts'
import { Assembly, ChunkError, chunksOf } from './chunks.ts'
import { closeCodes, closingOf } from './closing.ts'
import { safely } from './library.ts'

export interface Limits {
  /** Calls that are being answered; more wait. */
  inFlight: number
  /** Characters of messages that wait. */
  ahead: number
  /** Bytes that are not sent yet, above which nothing more begins. */
  unread: number
  /** How long a peer may leave that much unread, in ms; then it is cut off. */
  slowFor: number
  /** How long a message may wait for its next part, in ms. */
  incompleteFor: number
  /** How long a channel may stay without a message, in ms. */
  idleFor: number
  /** How often both are looked after, in ms. */
  check: number
  /** How long a peer may be without a channel, from its offer on, in ms. */
  connectFor: number
}

export const defaultLimits: Readonly<Limits> = {
  inFlight: 64,
  ahead: 1_048_576,
  unread: 1_048_576,
  slowFor: 30_000,
  incompleteFor: 30_000,
  idleFor: 3_600_000,
  check: 15_000,
  connectFor: 15_000,
}

/** What is longer is sent in parts: nothing else gets through meanwhile, on any channel of the peer. */
const longestWhole = 65_536

/** How long a peer has to read the last message, in ms: libraries lose what comes with the end of a channel. */
const partingTime = 100
/** How long a peer has to see that end, in ms. */
const closingTime = 2000

export interface ChannelSettings {
  open: Subprotocol['open']
  peer: Line['peer']
  /** Of the offer. */
  requestId: string
  limits: Readonly<Limits>
  /** 0 for no limit. */
  callsPerSecond: number
  /** Bytes in one message, whole or in parts. */
  maxMessage: number
  /** Takes note of a fault of the server's own. */
  report: (error: unknown) => void
  onClosed: (channel: Channel) => void
}

export class Channel {
  readonly #channel: DataChannel
  readonly #limits: Readonly<Limits>
  readonly #maxMessage: number
  readonly #onClosed: ChannelSettings['onClosed']
  readonly #conversation: Conversation
  readonly #turns: Turns
  readonly #assembly: Assembly
  readonly #abort = new AbortController()
  readonly #checks: NodeJS.Timeout
  /** Bytes of a message that the peer takes. */
  readonly #longest: number
  /** Answers of this turn, not sent yet. */
  #answers: string[] = []
  /** Characters of them. */
  #length = 0
  readonly #write = () => this.#flush()
  /** Messages that were sent in parts. */
  #count = 0
  #draining = false
  /** Nothing is sent or taken any more. */
  #ended = false
  #lastMessage = performance.now()
  /** Running while the peer leaves too much unread. */
  #slow: NodeJS.Timeout | undefined
  /** Running while the peer has not seen the end. */
  #closing: NodeJS.Timeout | undefined
  /** Those that wait until the peer has read enough to be told more. */
  #drained: (() => void)[] = []

  constructor(channel: DataChannel, settings: ChannelSettings) {
    const { open, peer, requestId, limits, callsPerSecond, maxMessage, report, onClosed } = settings
    this.#channel = channel
    this.#limits = limits
    this.#maxMessage = maxMessage
    this.#onClosed = onClosed
    this.#longest = Math.min(longestWhole, channel.maxMessageSize())
    this.#assembly = new Assembly(maxMessage)
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
      onCaughtUp: () => {},
      onFailed: () => this.#close(closeCodes.internal, 'something went wrong'),
    })
    this.#checks = setInterval(() => this.#check(), limits.check).unref()
    channel.setBufferedAmountLowThreshold(Math.floor(limits.unread / 2))
    const failed = (error: unknown) => {
      report(error)
      this.gone()
    }
    channel.onBufferedAmountLow(safely(() => this.#readOn(), failed))
    channel.onMessage(safely((message) => this.#receive(message), failed))
    channel.onError(safely(() => this.gone(), report))
    channel.onClosed(safely(() => this.gone(), report))
  }

  /** Answers what is under way, ends subscriptions, then closes. What has come in and not begun is answered too: as refused. */
  drain(): void {
    this.#draining = true
    this.#conversation.end(new Problem('unavailable', 'The server is stopping'))
    this.#turns.end()
    this.#endIfDrained()
  }

  /** The channel is closed, or its peer is gone. */
  gone(): void {
    if (this.#abort.signal.aborted) return
    this.#ended = true
    clearInterval(this.#checks)
    clearTimeout(this.#slow)
    clearTimeout(this.#closing)
    this.#turns.drop()
    this.#abort.abort(new Problem('timeout', 'The connection is closed'))
    this.#conversation.gone()
    this.#release()
    this.#onClosed(this)
  }

  #receive(message: string | Buffer | ArrayBuffer): void {
    if (this.#ended) return
    const now = performance.now()
    this.#lastMessage = now
    if (typeof message === 'string') {
      if (this.#isTooBig(message)) this.#close(closeCodes['too-big'], 'the message is too big')
      else this.#take(message, now)
      return
    }
    try {
      const text = this.#assembly.take(Buffer.isBuffer(message) ? message : Buffer.from(message), now)
      if (text !== undefined) this.#take(text, now)
    } catch (error) {
      if (!(error instanceof ChunkError)) throw error
      this.#close(closeCodes[error.fault], error.message)
    }
  }

  #isTooBig(text: string): boolean {
    return text.length > this.#maxMessage / 3 && Buffer.byteLength(text) > this.#maxMessage
  }

  #take(text: string, now: number): void {
    const { backlog } = this.#turns
    if (this.#turns.take(text, now) || backlog < this.#limits.ahead) return
    this.#close(closeCodes.hasty, 'wait for answers')
  }

  /** What is answered in one turn leaves together: each waking of the peer costs as much as several calls. */
  #send(text: string): void {
    if (this.#ended) return
    if (this.#answers.push(text) === 1) setImmediate(this.#write)
    this.#length += text.length
    // What is not handed over yet holds nothing back.
    if (this.#length > longestWhole) this.#flush()
  }

  #flush(): void {
    const answers = this.#answers
    if (answers.length === 0 || this.#ended) return
    this.#answers = []
    this.#length = 0
    let isSent = true
    for (const text of answers) isSent = this.#transmit(text)
    if (isSent || this.#slow !== undefined || this.#unread < this.#limits.unread) return
    this.#slow = setTimeout(() => this.#close(closeCodes.slow, 'read faster'), this.#limits.slowFor)
  }

  /** Whether all of it has left, and nothing of it waits. */
  #transmit(text: string): boolean {
    try {
      if (text.length <= this.#longest / 3) return this.#channel.sendMessage(text)
      const bytes = Buffer.from(text)
      if (bytes.length <= this.#longest) return this.#channel.sendMessage(text)
      this.#count += 1
      let isSent = true
      for (const chunk of chunksOf(bytes, this.#count, this.#longest)) isSent = this.#channel.sendMessageBinary(chunk)
      return isSent
    } catch {
      // Closed by its peer, which another thread has not told yet.
      return true
    }
  }

  get #unread(): number {
    return this.#channel.isOpen() ? this.#channel.bufferedAmount() : 0
  }

  /** What subscriptions tell is not sent to a peer that leaves much unread: they go on behind it when it has read on. */
  #push(texts: readonly string[]): Promise<void> | undefined {
    for (const text of texts) this.#send(text)
    this.#flush()
    if (this.#draining) process.nextTick(() => this.#endIfDrained())
    if (this.#slow === undefined) return undefined
    return new Promise((resolve) => this.#drained.push(resolve))
  }

  #readOn(): void {
    clearTimeout(this.#slow)
    this.#slow = undefined
    this.#release()
    this.#turns.goOn()
  }

  #release(): void {
    const drained = this.#drained
    this.#drained = []
    for (const goOn of drained) goOn()
  }

  #close(code: number, reason: string): void {
    if (this.#ended) return
    this.#send(closingOf(code, reason))
    this.#flush()
    this.#ended = true
    const end = () => {
      this.#closing = setTimeout(() => this.gone(), closingTime)
      this.#channel.close()
    }
    // One that its peer has closed meanwhile is gone already.
    this.#closing = setTimeout(
      safely(end, () => this.gone()),
      partingTime,
    )
  }

  #check(): void {
    const now = performance.now()
    if (this.#assembly.waitsSince(now - this.#limits.incompleteFor))
      this.#close(closeCodes.malformed, 'a message is incomplete')
    else if (now - this.#lastMessage > this.#limits.idleFor && this.#turns.isQuiet) this.#close(closeCodes.idle, 'idle')
  }

  #endIfDrained(): void {
    if (this.#turns.isQuiet) this.#close(closeCodes.goingAway, 'the server is stopping')
  }
}
