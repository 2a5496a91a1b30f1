/** The health of the server, as gRPC has it (grpc/health/v1/health.proto). */

import { setTimeout as sleep } from 'node:timers/promises'
import protobuf from 'protobufjs/minimal.js'
import { Problem } from '../../errors.ts'
import { type ProtoFile, packageName } from './model.ts'
import { encodeNode } from './node.ts'
import { readText, within } from './wire.ts'

const serving = 1
const notServing = 2
const serviceUnknown = 3

/** How often a watched server is looked at, in ms. */
const interval = 5000

export class Health {
  readonly #isReady: () => Promise<boolean>
  readonly #services: ReadonlySet<string>

  constructor(isReady: () => Promise<boolean>, { services }: ProtoFile) {
    this.#isReady = isReady
    this.#services = new Set(['', ...services.map(({ name }) => `${packageName}.${name}`)])
  }

  /** @throws {Problem} `malformed-request`, and `not-found` for a service that is not known. */
  async check(request: Buffer): Promise<Buffer> {
    if (!this.#services.has(serviceOf(request))) throw new Problem('not-found', 'The service is not known')
    return encodeNode([[1, await this.#now()]])
  }

  /** Says what the health is, and each time that it is another, until the signal aborts. */
  async *watch(request: Buffer, signal: AbortSignal): AsyncGenerator<Buffer> {
    const known = this.#services.has(serviceOf(request))
    let last = 0
    while (!signal.aborted) {
      const now = known ? await this.#now() : serviceUnknown
      if (now !== last) yield encodeNode([[1, now]])
      last = now
      await sleep(interval, undefined, { signal, ref: false })
    }
  }

  async #now(): Promise<number> {
    return (await this.#isReady()) ? serving : notServing
  }
}

function serviceOf(request: Buffer): string {
  const reader = protobuf.Reader.create(request)
  let service = ''
  within(reader, request.length, (tag) => {
    if (tag !== ((1 << 3) | 2)) return false
    service = readText(reader, request.length)
    return true
  })
  return service
}
