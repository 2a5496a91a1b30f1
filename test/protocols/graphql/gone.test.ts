import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'tap'
import { listen } from '../../helper.ts'
import { seen } from '../websocket/routes/slow.ts'

const routes = join(import.meta.dirname, '../websocket/routes')

const send = (base: string, query: string, signal?: AbortSignal) =>
  fetch(`${base}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query }),
    ...(signal && { signal }),
  })

test('a client that goes before its answer aborts the operations under way', async (t) => {
  const { base } = await listen(t, {}, routes)
  const before = { ...seen }
  const leave = new AbortController()
  const gone = send(base, '{ a: wait(ms: 1000) { waited } b: wait(ms: 1000) { waited } }', leave.signal)
  await sleep(200)
  t.equal(seen.begun - before.begun, 2)
  leave.abort()
  await t.rejects(gone)
  await sleep(100)
  t.equal(seen.aborted - before.aborted, 2)
})

test('a client that stays gets what takes a while', async (t) => {
  const { base } = await listen(t, {}, routes)
  const before = { ...seen }
  const answer = await send(base, '{ wait(ms: 300) { waited } }')
  t.match(await answer.json(), { data: { wait: { waited: 300 } } })
  t.equal(seen.aborted - before.aborted, 0)
})
