/** Connections that are gone without a word, and those that nobody uses (grpc/doc/keepalive.md, gRFC A9). */

import type { Connection } from './connection.ts'

export interface KeepaliveTimes {
  /** Silence after which a connection is pinged, in ms. */
  silence: number
  /** Time for an answer to that, in ms. */
  patience: number
  /** Time without a call after which a connection is closed, in ms. */
  idle: number
}

export const usualTimes: KeepaliveTimes = { silence: 60_000, patience: 20_000, idle: 1_800_000 }

/** How often connections are looked at, in ms. */
const interval = 5000

interface Seen {
  /** Bytes that had come, and when that was first seen. */
  bytes: number
  heardAt: number
  usedAt: number
  pingedAt: number | undefined
}

export class Keepalive {
  readonly #times: KeepaliveTimes
  readonly #seen = new Map<Connection, Seen>()
  readonly #timer: NodeJS.Timeout

  constructor(times: KeepaliveTimes) {
    this.#times = times
    this.#timer = setInterval(() => this.look(), interval).unref()
  }

  watch(connection: Connection, now = performance.now()): void {
    this.#seen.set(connection, { bytes: 0, heardAt: now, usedAt: now, pingedAt: undefined })
  }

  forget(connection: Connection): void {
    this.#seen.delete(connection)
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  /** Pings what is silent, and closes what does not answer or is not used. */
  look(now = performance.now()): void {
    for (const [connection, seen] of this.#seen) {
      if (connection.hasBegun || connection.isStreaming) seen.usedAt = now
      connection.hasBegun = false
      if (now - seen.usedAt >= this.#times.idle) connection.close()
      else this.#hear(connection, seen, now)
    }
  }

  #hear({ session, socket }: Connection, seen: Seen, now: number): void {
    const { silence, patience } = this.#times
    if (socket.bytesRead !== seen.bytes)
      Object.assign(seen, { bytes: socket.bytesRead, heardAt: now, pingedAt: undefined })
    else if (seen.pingedAt === undefined) {
      if (now - seen.heardAt < silence || session.closed) return
      session.ping(() => {})
      seen.pingedAt = now
    } else if (now - seen.pingedAt >= patience) session.destroy()
  }
}
