import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'tap'
import { temporaryFolder } from '../../helper.ts'
import { startServer } from '../../storage/server-process.ts'
import { Client, connect } from './client.ts'

const skip = process.platform !== 'linux' && 'what a process has loaded is read from /proc'

test('the library is loaded for the first offer, and the process ends cleanly with peers connected', {
  skip,
}, async (t) => {
  const { base, child } = await startServer(t, { DATA_DIR: temporaryFolder(t), SEED: 'true' })
  const isLoaded = () => readFileSync(`/proc/${child.pid}/maps`, 'utf8').includes('node_datachannel')
  t.equal((await fetch(`${base}/users`)).status, 200)
  t.notOk(isLoaded())
  const clients = await Promise.all([connect(t, base), connect(t, base)])
  for (const client of clients) t.match(await client.call('getUser', { id: 1 }), { result: { id: 1 } })
  t.ok(isLoaded())
  const closed = clients.map((client) => client.closed())
  child.kill('SIGTERM')
  t.match(await Promise.all(closed), [{ code: 1001 }, { code: 1001 }])
  t.same(await once(child, 'close'), [0, null])
})

test('a process that has no descriptor left refuses further peers, and goes on', { skip }, async (t) => {
  const { base, child } = await startServer(t, { DATA_DIR: temporaryFolder(t), SEED: 'true' })
  const first = await connect(t, base)
  const used = readdirSync(`/proc/${child.pid}/fd`).length
  execFileSync('prlimit', [`--pid=${child.pid}`, `--nofile=${used + 12}`])
  const clients = Array.from({ length: 20 }, () => new Client(base))
  t.teardown(() => Promise.all(clients.map((client) => client.end())))
  const statuses = []
  for (const client of clients) statuses.push((await client.post(await client.offer())).status)
  t.same([...new Set(statuses)].sort(), [201, 503])
  t.match(await first.call('getUser', { id: 1 }), { result: { id: 1 } })
  t.same([child.exitCode, child.signalCode], [null, null])
})

test('a process that nobody has connected to any more ends cleanly', { skip }, async (t) => {
  const { base, child } = await startServer(t, { DATA_DIR: temporaryFolder(t), SEED: 'true' })
  const client = await connect(t, base)
  t.match(await client.call('getUser', { id: 1 }), { result: { id: 1 } })
  await fetch(`${base}${client.location}`, { method: 'DELETE' })
  child.kill('SIGTERM')
  t.same(await once(child, 'close'), [0, null])
})
