/** Unary calls of gRPC as frames of HTTP/2 made once: what the load saves is left to the server. */

import { Socket } from 'node:net'

export interface Tally {
  answers: number
  errors: number
  error: string | undefined
}

const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
const frameHead = 9
const types = { data: 0, headers: 1, reset: 3, settings: 4, ping: 6, goAway: 7, windowUpdate: 8 }
const flags = { endStream: 1, ack: 1, endHeaders: 4 }
/** Data is acknowledged in pieces of this many bytes; a connection may begin with 65,535. */
const window = 32_768

/** One call: HEADERS and DATA, whose stream is set when it is sent. */
export interface CallFrames {
  bytes: Buffer
  /** Where the stream's number stands. */
  streamAt: readonly [headers: number, data: number]
}

export function callFrames(path: string, authority: string, message: Buffer): CallFrames {
  const text = (value: string) => Buffer.concat([Buffer.from([value.length]), Buffer.from(value)])
  // HPACK (RFC 7541): POST and http by their index, the others as literals that nobody remembers.
  const headers = Buffer.concat([
    Buffer.from([0x83, 0x86, 0x04]),
    text(path),
    Buffer.from([0x01]),
    text(authority),
    Buffer.from([0x0f, 0x10]),
    text('application/grpc'),
    Buffer.from([0x00]),
    text('te'),
    text('trailers'),
  ])
  const body = Buffer.concat([Buffer.from([0, 0, 0, 0, message.length]), message])
  const first = frame(types.headers, flags.endHeaders, headers)
  const bytes = Buffer.concat([first, frame(types.data, flags.endStream, body)])
  return { bytes, streamAt: [5, first.length + 5] }
}

function frame(type: number, flag: number, body: Buffer = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(frameHead)
  head.writeUIntBE(body.length, 0, 3)
  head[3] = type
  head[4] = flag
  return Buffer.concat([head, body])
}

export class Http2Client {
  readonly #socket = new Socket()
  readonly #next: () => CallFrames
  readonly #tally: Tally
  #stream = 1
  #rest: Buffer = Buffer.alloc(0)
  #taken = 0
  #ended = false
  /** Streams that have brought a message. */
  readonly #answered = new Set<number>()

  /** @param calls In flight at once. */
  constructor(port: number, next: () => CallFrames, tally: Tally, calls: number) {
    this.#next = next
    this.#tally = tally
    this.#socket.on('error', ({ message }) => this.#fail(message))
    this.#socket.on('data', (chunk: Buffer) => this.#read(chunk))
    this.#socket.setNoDelay().connect(port, '127.0.0.1', () => {
      this.#socket.write(Buffer.concat([preface, frame(types.settings, 0)]))
      this.#send(calls)
    })
  }

  end(): void {
    this.#ended = true
    this.#socket.destroy()
  }

  #send(calls: number): void {
    const all = Array.from({ length: calls }, () => {
      const { bytes, streamAt } = this.#next()
      const copy = Buffer.from(bytes)
      for (const at of streamAt) copy.writeUInt32BE(this.#stream, at)
      this.#stream += 2
      return copy
    })
    this.#socket.write(Buffer.concat(all))
  }

  #read(chunk: Buffer): void {
    const data: Buffer = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
    let at = 0
    let done = 0
    while (data.length - at >= frameHead) {
      const length = data.readUIntBE(at, 3)
      const end = at + frameHead + length
      if (end > data.length) break
      done += this.#take(data.subarray(at, end), length)
      at = end
    }
    this.#rest = Buffer.from(data.subarray(at))
    if (this.#taken >= window) this.#acknowledge()
    if (done > 0) this.#send(done)
  }

  /** Gives 1 when the frame ends a call. */
  #take(bytes: Buffer, length: number): number {
    const [type, flag = 0] = [bytes[3], bytes[4]]
    const stream = bytes.readUInt32BE(5)
    if (type === types.data) {
      this.#taken += length
      if (length > 5) this.#answered.add(stream)
    } else if (type === types.headers && flag & flags.endStream) {
      if (!this.#answered.delete(stream)) this.#fail('a call was answered without a message')
      this.#tally.answers += 1
      return 1
    } else if (type === types.settings && !(flag & flags.ack)) this.#socket.write(frame(types.settings, flags.ack))
    else if (type === types.ping && !(flag & flags.ack))
      this.#socket.write(frame(types.ping, flags.ack, bytes.subarray(frameHead)))
    else if (type === types.reset || type === types.goAway) this.#fail(`the server sent a frame of type ${type}`)
    return 0
  }

  #acknowledge(): void {
    const update = Buffer.alloc(4)
    update.writeUInt32BE(this.#taken)
    this.#taken = 0
    this.#socket.write(frame(types.windowUpdate, 0, update))
  }

  #fail(message: string): void {
    if (this.#ended) return
    this.#tally.errors += 1
    this.#tally.error ??= message
  }
}
