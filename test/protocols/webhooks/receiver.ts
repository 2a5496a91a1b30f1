/** A receiver of WebHooks on this machine. */

import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import type { Test } from 'tap'

export interface Received {
  headers: IncomingHttpHeaders
  body: string
  id: string
  event: { type: string; subject: string; sequence?: string; data: Record<string, unknown> }
}

export type Answer = (received: Received, reply: ServerResponse, request: IncomingMessage) => unknown

export interface Receiver {
  url: string
  received: Received[]
  /** Waits until so many messages came. */
  has(count: number): Promise<Received[]>
  /** How it answers from now on. */
  answer(as: Answer): void
}

/** Answers 204 unless told otherwise; ends with the test. */
export async function receive(t: Test, first: Answer = (_, reply) => reply.writeHead(204).end()): Promise<Receiver> {
  const received: Received[] = []
  let answer = first
  const server = createServer(async (request, reply) => {
    let body = ''
    for await (const chunk of request.setEncoding('utf8')) body += chunk
    const message = {
      headers: request.headers,
      body,
      id: String(request.headers['webhook-id']),
      event: JSON.parse(body),
    }
    received.push(message)
    answer(message, reply, request)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hooks`,
    received,
    answer(as) {
      answer = as
    },
    async has(count) {
      for (const end = Date.now() + 15_000; received.length < count; await wait(5)) {
        if (Date.now() > end) throw new Error(`${received.length} messages came, not ${count}`)
      }
      return received
    },
  }
}
