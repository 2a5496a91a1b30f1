/** Streams as `text/event-stream` (HTML Living Standard section 9.2). */

import { Readable } from 'node:stream'
import { cursorOf, type Stream, type StreamPart } from './stream.ts'

export const eventStreamHeaders = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-store',
  // Proxies that gather an answer before they pass it on would keep events back.
  'x-accel-buffering': 'no',
}

/** A comment: what keeps a connection that has nothing to say. */
export const signOfLife = ':\n\n'

/** Whether `Accept` asks for such a stream. */
export function acceptsEventStream(accept = ''): boolean {
  return /\btext\/event-stream\b/i.test(accept)
}

/** After what time a client comes back that was cut off, in ms. */
const retry = 1000

/**
 * A stream for a browser's EventSource. It goes at the pace of its reader. It ends without a word when the stream does, so
 * that the client comes back and is told why. Each part names how far it has come.
 */
export class ServerSentEvents extends Readable {
  readonly #stream: Stream
  readonly #abort = new AbortController()
  readonly #parts: AsyncGenerator<StreamPart, void>
  #begun = false

  constructor(stream: Stream) {
    super({ highWaterMark: 16_384 })
    this.#stream = stream
    this.#parts = stream.parts(this.#abort.signal)
  }

  override _read(): void {
    if (this.#begun) {
      this.#parts.next().then(
        ({ value }) => this.push(value ? textOf(value) : null),
        () => this.push(null),
      )
      return
    }
    this.#begun = true
    this.push(`retry: ${retry}\nid: ${cursorOf(this.#stream.after)}\n\n`)
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#abort.abort()
    done(error)
  }
}

function textOf({ items, seen }: StreamPart): string {
  const text = items.map((item) => `id: ${cursorOf(item.sequence)}\ndata: ${item.text}\n\n`).join('')
  return items.at(-1)?.sequence === seen ? text : `${text}id: ${cursorOf(seen)}\n\n`
}
