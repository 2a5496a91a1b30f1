/** SIGKILL at random instants: what was acknowledged is there afterwards, and a repeated request adds nothing twice. */

import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { test } from 'tap'
import { temporaryFolder } from '../helper.ts'
import { startServer } from './server-process.ts'

const kills = 12
const writers = 8

interface Attempt {
  email: string
  key: string | undefined
}

interface Answer {
  status: number
  id: number
  replayed: boolean
}

test(`no acknowledged user is lost in ${kills} kills, and none is there twice`, async (t) => {
  const folder = temporaryFolder(t)
  const acknowledged = new Map<string, number>()
  const present = new Map<string, number>()
  let [lost, corrupt, unanswered, repeated, replayed, twice] = [0, 0, 0, 0, 0, 0]
  let pending: Attempt[] = []
  for (let round = 0; round <= kills; round++) {
    const server = await startServer(t, { DATA_DIR: folder })
    for (const attempt of pending) {
      const answer = await post(server.base, attempt)
      repeated++
      if (answer.replayed) replayed++
      if (answer.status === 201) acknowledged.set(attempt.email, answer.id)
      else t.fail(`a repeated request was answered ${answer.status}`)
    }
    const found = inspect(folder, Math.max(0, ...present.values()))
    if (found.integrity !== 'ok') corrupt++
    for (const { id, email } of found.rows) {
      if (present.has(email)) twice++
      present.set(email, id)
    }
    lost = [...acknowledged].filter(([email, id]) => present.get(email) !== id).length
    pending = []
    if (round === kills) {
      t.equal(await walk(server.base), present.size, 'the API lists them all')
      await server.end('SIGTERM')
      break
    }
    const writing = Promise.all(
      Array.from({ length: writers }, async (_, writer) => {
        for (let number = 0; ; number++) {
          const email = `kill-${round}-${writer}-${number}@example.com`
          const attempt = { email, key: number % 2 ? randomUUID() : undefined }
          try {
            const { status, id } = await post(server.base, attempt)
            if (status !== 201) throw new Error(`answered ${status}`)
            acknowledged.set(email, id)
          } catch {
            unanswered++
            if (attempt.key) pending.push(attempt)
            return
          }
        }
      }),
    )
    await new Promise((resolve) => setTimeout(resolve, 50 + Math.random() * 450))
    await server.end('SIGKILL')
    await writing
  }
  t.comment(
    `${acknowledged.size} acknowledged, ${lost} lost, ${corrupt} corrupt, ${unanswered} unanswered, ` +
      `${repeated} of them repeated with their key (${replayed} had been made), ${twice} there twice`,
  )
  t.ok(acknowledged.size > 200)
  t.ok(repeated > 0)
  t.same({ lost, corrupt, twice }, { lost: 0, corrupt: 0, twice: 0 })
})

async function post(base: string, { email, key }: Attempt): Promise<Answer> {
  const headers: Record<string, string> = { 'content-type': 'application/json' }
  if (key) headers['idempotency-key'] = key
  const body = JSON.stringify({ name: 'Mohamed', email })
  const response = await fetch(`${base}/users`, { method: 'POST', headers, body })
  const { id } = (await response.json()) as { id: number }
  return { status: response.status, id, replayed: response.headers.has('idempotent-replayed') }
}

/** Looks at the file from outside, while the server has it open. */
function inspect(folder: string, afterId: number) {
  const database = new Database(join(folder, 'septet.sqlite'), { readonly: true })
  try {
    const rows = database.prepare('select id, email from users where id > ?').all(afterId)
    return {
      integrity: database.pragma('integrity_check', { simple: true }),
      rows: rows as { id: number; email: string }[],
    }
  } finally {
    database.close()
  }
}

/** How many users the API lists. */
async function walk(base: string): Promise<number> {
  let total = 0
  let next: string | undefined = '/users?limit=100'
  while (next !== undefined) {
    const response: Response = await fetch(new URL(next, base))
    total += ((await response.json()) as unknown[]).length
    next = /<([^>]+)>; rel="next"/.exec(response.headers.get('link') ?? '')?.[1]
  }
  return total
}
