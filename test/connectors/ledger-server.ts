/** The counterpart of the tests' connector: a server that keeps what is written down, and can fail. */

import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import type { Test } from 'tap'

export interface Ledger {
  settings: { LEDGER_URL: string; LEDGER_SECRET: string; CONNECTORS: string }
  /** By path, what was written down last; null where it was struck out. */
  entries: Map<string, { name: string; [property: string]: unknown } | null>
  /** Paths, as they were asked for. */
  requests: string[]
  /** Answers in place of 204; nothing to answer as usual. */
  answer: (path: string, reply: ServerResponse) => number | undefined | Promise<number | undefined>
}

/** The folder that holds the connector, for `CONNECTORS`. It must hold nothing else: the tests are in the one above. */
const folder = join(import.meta.dirname, 'folder')

export async function openLedger(t: Test): Promise<Ledger> {
  const ledger: Ledger = {
    settings: { LEDGER_URL: '', LEDGER_SECRET: 'a good secret', CONNECTORS: folder },
    entries: new Map(),
    requests: [],
    answer: () => undefined,
  }
  const respond = async (request: IncomingMessage, reply: ServerResponse) => {
    const { url: path = '' } = request
    const body = await text(request)
    ledger.requests.push(path)
    const status = (await ledger.answer(path, reply)) ?? 204
    if (status < 300) ledger.entries.set(path, JSON.parse(body))
    if (!reply.destroyed) reply.writeHead(status).end()
  }
  const server = createServer((request, reply) => void respond(request, reply))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close().closeAllConnections())
  ledger.settings.LEDGER_URL = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return ledger
}
