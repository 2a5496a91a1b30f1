/**
 * `node bench/webhooks.ts [events]`: deliveries a second to one receiver on this machine, of one process with SQLite on a
 * disk: of what has piled up (a replay), and of what happens meanwhile (users that are created as fast as 16 clients can).
 *
 * The server has a core of its own; the receiver and the clients share the other.
 */

import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { Pool } from 'undici'
import { adminKeyOf } from '../test/keys.ts'
import { cpuSeconds, pinned, stop, workFolder } from './processes.ts'
import { atLeast, count, progress, table } from './report.ts'
import { type Server, startSeptet } from './servers.ts'

/** Deliveries a second. */
const bar = 2000
const clients = 16

const total = Number(process.argv[2] ?? 10_000)
const folder = workFolder()
let arrived = 0
const receiver = createServer((request, reply) => {
  request.resume().on('end', () => {
    arrived += 1
    reply.writeHead(204).end()
  })
})
await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve))
const hook = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/hooks`

const settings = { WEBHOOK_ALLOW: '127.0.0.1', SEED: 'false', MAX_EVENT_LOOP_DELAY: '0', ACCESS_LOG: 'off' }
const server = await startSeptet(folder, [], settings)
const pool = new Pool(`http://127.0.0.1:${server.port}`, { connections: clients })
const headers = { 'x-api-key': adminKeyOf(folder), 'content-type': 'application/json' }
let users = 0

async function post<Answer>(path: string, body: object): Promise<Answer> {
  const answer = await pool.request({ path, method: 'POST', headers, body: JSON.stringify(body) })
  const value = (await answer.body.json()) as Answer
  if (answer.statusCode >= 300) throw new Error(JSON.stringify(value))
  return value
}

/** Creates users with all clients at once. */
async function createUsers(until: () => boolean): Promise<void> {
  const client = async () => {
    while (!until()) {
      users += 1
      await post('/users', { name: `User ${users}`, email: `user-${users}@example.com` })
    }
  }
  await Promise.all(Array.from({ length: clients }, client))
}

interface Measured {
  deliveries: number
  seconds: number
  cpu: number
}

/** From before the work until all that it makes has arrived. */
async function measure(work: () => Promise<unknown>, expected: () => number, { pid }: Server): Promise<Measured> {
  const before = { arrived, cpu: cpuSeconds(pid), at: performance.now() }
  await work()
  while (arrived - before.arrived < expected()) await sleep(1)
  const seconds = (performance.now() - before.at) / 1000
  return { deliveries: arrived - before.arrived, seconds, cpu: cpuSeconds(pid) - before.cpu }
}

progress(`${total} events`)
await createUsers(() => users >= total)
const made = users
const { id } = await post<{ id: number }>('/webhooks', { url: hook, types: ['user.created'] })
const replay = async () => {
  for (let next: string | null = '1'; next !== null; )
    next = (await post<{ next: string | null }>(`/webhooks/${id}/replay`, { from: next })).next
}
progress('a replay, once to warm up')
await measure(replay, () => made, server)
const piled = await measure(replay, () => made, server)
progress('events as they happen')
const already = users
const live = await measure(
  () => createUsers(() => users >= already + total),
  () => users - already,
  server,
)

const row = (name: string, { deliveries, seconds, cpu }: Measured, least?: number) => {
  const rate = deliveries / seconds
  return [
    name,
    count(rate),
    least === undefined ? '' : count(least),
    atLeast(rate, least),
    count((cpu / deliveries) * 1e6),
  ]
}
process.stdout.write(
  `${pinned ? '' : 'NOT pinned to cores\n'}${table(
    `${count(total)} deliveries, one endpoint, SQLite, synchronous=FULL`,
    ['', 'a second', 'bar', '', 'CPU µs each'],
    [row('replay', piled, bar), row('with the writes that make them', live)],
  )}`,
)
await pool.close()
await stop(server.process)
receiver.close()
receiver.closeAllConnections()
