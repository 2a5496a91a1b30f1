/**
 * Where the next connection has its socket. Where the library cannot open one it ends the process, so that sockets are
 * opened here first, and closed in the turn in which the library opens its own.
 */

import { randomInt } from 'node:crypto'
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { isIPv6 } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import type { RtcConfig } from 'node-datachannel'
import { Problem } from '../../errors.ts'

/** Descriptors that the library may need for a connection, its first one too. */
const descriptors = 6
/** What the library frees late is free after so long at most, in ms. */
const freedAfter = 1000
const betweenTries = 50

/** A port for one connection: none where the system is to choose. */
export interface Place {
  readonly rtc: Pick<RtcConfig, 'portRangeBegin' | 'portRangeEnd'>
  /** The connection is closed. */
  free: () => void
}

export class Ports {
  readonly #address: string | undefined
  /** Those of a range that no connection has; the one that was freed first comes first. */
  readonly #free: number[] | undefined
  /** The one that all connections share. */
  readonly #shared: number | undefined
  /** Connections that are there. */
  #held = 0
  /** When the last of them was closed. */
  #emptiedAt = Number.NEGATIVE_INFINITY
  #turn: Promise<unknown> = Promise.resolve()

  constructor({ bindAddress, portRangeBegin, portRangeEnd, enableIceUdpMux }: RtcConfig) {
    this.#address = bindAddress
    if (portRangeBegin === undefined || portRangeEnd === undefined) return
    if (enableIceUdpMux) this.#shared = portRangeBegin
    else {
      const ports = Array.from({ length: portRangeEnd - portRangeBegin + 1 }, (_, index) => portRangeBegin + index)
      // Processes that share a range do not all begin with the same ones.
      const first = randomInt(ports.length)
      this.#free = [...ports.slice(first), ...ports.slice(0, first)]
    }
  }

  /**
   * A place for a connection, one at a time. What it needs is free when this returns: it is to be made at once.
   *
   * @throws {Problem} `unavailable` where no port or no descriptor is free.
   */
  take(): Promise<Place> {
    const taken = this.#turn.then(() => this.#take())
    this.#turn = taken.catch(() => {})
    return taken
  }

  async #take(): Promise<Place> {
    const spare: Socket[] = []
    try {
      while (spare.length < descriptors) spare.push(await bound(this.#address, 0))
      if (this.#shared !== undefined && this.#held === 0) spare.push(await this.#sharedIsFree(this.#shared))
      const port = this.#free && (await this.#freePort(this.#free, spare))
      return this.#hold(port)
    } catch (cause) {
      throw new Problem('unavailable', 'No further peer can be served', { headers: { 'retry-after': '5' }, cause })
    } finally {
      for (const socket of spare) socket.close()
    }
  }

  #hold(port: number | undefined): Place {
    this.#held += 1
    const free = () => {
      this.#held -= 1
      this.#emptiedAt = performance.now()
      if (port !== undefined) this.#free?.push(port)
    }
    return { rtc: port === undefined ? {} : { portRangeBegin: port, portRangeEnd: port }, free }
  }

  async #freePort(free: number[], spare: Socket[]): Promise<number> {
    let failure: unknown = new Error('every port of RTC_PORTS is taken')
    for (let tries = free.length; tries > 0; tries -= 1) {
      const port = free.shift() as number
      try {
        spare.push(await bound(this.#address, port))
        return port
      } catch (error) {
        free.push(port)
        if (!isInUse(error)) throw error
        failure = error
      }
    }
    throw failure
  }

  /** The last connection may be gone, and its port not be free yet. */
  async #sharedIsFree(port: number): Promise<Socket> {
    while (true) {
      try {
        return await bound(this.#address, port)
      } catch (error) {
        if (!isInUse(error) || performance.now() > this.#emptiedAt + freedAfter) throw error
        await wait(betweenTries)
      }
    }
  }
}

function isInUse(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'EADDRINUSE'
}

/** A socket on a port, of any address of the machine unless one is given, as the library opens it. */
async function bound(address: string | undefined, port: number): Promise<Socket> {
  const types = address === undefined ? (['udp6', 'udp4'] as const) : ([isIPv6(address) ? 'udp6' : 'udp4'] as const)
  let failure: unknown
  for (const type of types) {
    const socket = createSocket({ type, reuseAddr: false })
    try {
      socket.bind({ port, exclusive: true, ...(address !== undefined && { address }) })
      await once(socket, 'listening')
      return socket
    } catch (error) {
      socket.close()
      failure = error
      if ((error as NodeJS.ErrnoException).code !== 'EAFNOSUPPORT') break
    }
  }
  throw failure
}
