/** A disk that takes no more: changes are refused, reads go on, and nothing acknowledged is lost. */

import { execFileSync } from 'node:child_process'
import { test } from 'tap'
import { temporaryFolder } from '../helper.ts'
import { startServer } from './server-process.ts'
import { until } from './setup.ts'

/** Files may not grow beyond this: a limit of the process, which gets an error instead of the signal. */
const limit = 2 * 1024 * 1024

test('a full disk refuses changes, serves reads, keeps what was acknowledged, and recovers', {
  skip: missing(),
}, async (t) => {
  const folder = temporaryFolder(t)
  const server = await startServer(t, { DATA_DIR: folder }, `trap '' XFSZ; ulimit -S -f ${limit / 1024}`)
  const acknowledged: number[] = []
  const refused: { status: number; retryAfter: string | null; code: string }[] = []
  const add = async (number: number) => {
    const body = JSON.stringify({ name: 'M'.repeat(200), email: `disk-${number}@example.com` })
    const headers = { 'content-type': 'application/json', 'idempotency-key': `disk-${number}` }
    const response = await fetch(`${server.base}/users`, { method: 'POST', headers, body })
    const answer = (await response.json()) as { id: number; code: string }
    if (response.status === 201) acknowledged.push(answer.id)
    else refused.push({ status: response.status, retryAfter: response.headers.get('retry-after'), code: answer.code })
  }
  for (let number = 0; refused.length === 0 && number < 20_000; number += 20) {
    await Promise.all(Array.from({ length: 20 }, (_, index) => add(number + index)))
  }
  t.ok(acknowledged.length > 100, `${acknowledged.length} acknowledged before the disk was full`)
  t.ok(refused.length > 0)
  await Promise.all([1, 2, 3].map((each) => add(-each)))
  for (const each of refused) t.same(each, { status: 503, retryAfter: '1', code: 'unavailable' })

  const statusOf = async (base: string, id: number) => (await fetch(`${base}/users/${id}`)).status
  const missingAt = async (base: string) => {
    const statuses = await Promise.all(acknowledged.map((id) => statusOf(base, id)))
    return statuses.filter((status) => status !== 200).length
  }
  t.equal(await missingAt(server.base), 0, 'every acknowledged user is served')
  t.equal((await fetch(`${server.base}/users?limit=100`)).status, 200)

  execFileSync('prlimit', ['--pid', String(server.child.pid), '--fsize=unlimited'])
  const before = acknowledged.length
  await until(async () => {
    await add(-10)
    return acknowledged.length > before
  }, 'changes are taken again')
  await server.end('SIGKILL')
  const restarted = await startServer(t, { DATA_DIR: folder })
  t.equal(await missingAt(restarted.base), 0, 'and all are there after a crash')
  const counted = await fetch(`${restarted.base}/users?limit=1`, { headers: { prefer: 'count=exact' } })
  t.equal(Number(counted.headers.get('x-total-count')), acknowledged.length, 'and no other')
  t.comment(`${acknowledged.length} acknowledged, 0 lost, ${refused.length} refused`)
  await restarted.end('SIGTERM')
})

/** Why the machine cannot run this, or `false`. */
function missing(): string | false {
  if (process.platform !== 'linux') return 'needs the file size limit of Linux'
  try {
    execFileSync('prlimit', ['--version'])
    return false
  } catch {
    return 'needs prlimit (util-linux)'
  }
}
