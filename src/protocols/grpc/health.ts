/** The health of the server, as gRPC has it (grpc/health/v1/health.proto). */

import protobuf from 'protobufjs/minimal.js'
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

  /** Nothing for a service that is not known. @throws {Problem} `malformed-request` */
  async check(request: Buffer): Promise<Buffer | undefined> {
    if (!this.#services.has(serviceOf(request))) return undefined
    return encodeNode([[1, (await this.#isReady()) ? serving : notServing]])
  }

  /**
   * Says what the health is, and each time that it is another.
   *
   * @returns What ends it.
   * @throws {Problem} `malformed-request`
   */
  watch(request: Buffer, say: (response: Buffer) => void): () => void {
    const known = this.#services.has(serviceOf(request))
    let last = 0
    let ended = false
    const look = async () => {
      const now = known ? ((await this.#isReady()) ? serving : notServing) : serviceUnknown
      if (now === last || ended) return
      last = now
      say(encodeNode([[1, now]]))
    }
    void look()
    const timer = setInterval(() => void look(), interval)
    timer.unref()
    return () => {
      ended = true
      clearInterval(timer)
    }
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
