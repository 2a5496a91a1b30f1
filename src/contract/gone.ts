/** When nobody waits for an answer any more: what a call is aborted by whose caller came over HTTP. */

import type { ServerResponse } from 'node:http'

/** Aborts when the client has gone before its answer: a request itself is over as soon as its body is read. */
export function signalOf(response: ServerResponse): () => AbortSignal {
  let abort: AbortController | undefined
  return () => {
    if (abort !== undefined) return abort.signal
    const made = new AbortController()
    abort = made
    if (response.destroyed) made.abort()
    response.once('close', () => {
      if (!response.writableFinished) made.abort()
    })
    return made.signal
  }
}
