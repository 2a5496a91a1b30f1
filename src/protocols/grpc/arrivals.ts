/** The time that the message of a call has to arrive: REST has one for a request, and a deadline is the caller's to set. */

import { constants, type ServerHttp2Stream } from 'node:http2'
import type { ServerInterceptingCall, ServerInterceptingCallInterface, ServerInterceptor } from '@grpc/grpc-js'
import { Problem } from '../../errors.ts'
import { statusOf } from './errors.ts'

/** After a status, grpc-js leaves the stream to the caller to end; one that is late may never do so. */
function endStream(call: ServerInterceptingCallInterface): void {
  const { stream } = call as unknown as { stream?: ServerHttp2Stream }
  stream?.close(constants.NGHTTP2_NO_ERROR)
}

export class Arrivals {
  readonly #time: number
  /** When each call was begun whose message has not come, the oldest first. */
  readonly #begun = new Map<ServerInterceptingCallInterface, number>()
  readonly #timer: NodeJS.Timeout

  /** @param time In ms. */
  constructor(time: number) {
    this.#time = time
    this.#timer = setInterval(() => this.#refuseLate(), Math.min(1000, time / 4)).unref()
  }

  /** Streams of messages have no end to wait for. */
  readonly interceptor: ServerInterceptor = ({ requestStream }, call) => {
    if (!requestStream) this.#expect(call)
    // A call that is watched needs nothing around it, which would cost more than the watching.
    return call as unknown as ServerInterceptingCall
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  #expect(call: ServerInterceptingCallInterface): void {
    const begun = this.#begun
    const { start } = call
    begun.set(call, performance.now())
    call.start = (listener) =>
      start.call(call, {
        onReceiveMetadata: (metadata) => listener.onReceiveMetadata(metadata),
        onReceiveMessage: (message: unknown) => listener.onReceiveMessage(message),
        onReceiveHalfClose: () => {
          begun.delete(call)
          listener.onReceiveHalfClose()
        },
        onCancel: () => {
          begun.delete(call)
          listener.onCancel()
        },
      })
  }

  #refuseLate(): void {
    const before = performance.now() - this.#time
    for (const [call, begun] of this.#begun) {
      if (begun > before) return
      this.#begun.delete(call)
      const { code, details } = statusOf(new Problem('request-timeout', 'The request took too long to arrive'))
      call.sendStatus({ code, details })
      setImmediate(() => endStream(call))
    }
  }
}
