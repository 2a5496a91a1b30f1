/** Whether two servers give the same answers; a comparison of speed says nothing where they do not. */

import { pageAfter, pathOf } from './requests.ts'
import type { Server } from './servers.ts'

const compared = ['content-type', 'content-length', 'etag', 'link', 'location']

interface Answer {
  status: number
  headers: (string | null)[]
  body: string
}

/** @throws naming the first request whose answers differ. */
export async function assertSameAnswers(septet: Server, bares: readonly Server[], users: number): Promise<void> {
  for (const bare of bares) await assertSameReads(septet, bare, users)
  for (const bare of bares) await assertSameCreation(septet, bare)
}

async function assertSameReads(septet: Server, bare: Server, users: number): Promise<void> {
  const kinds = ['first page', 'page', 'find', 'get'] as const
  const random = kinds.flatMap((kind) => Array.from({ length: 5 }, () => pathOf(kind, users, Math.random())))
  for (const path of [...random, '/users?limit=100', pageAfter(users - 20), pageAfter(users - 5)]) {
    const [ours, theirs] = await Promise.all([ask(septet, path), ask(bare, path)])
    if (!same(ours, theirs)) fail(`GET ${path}`, bare, ours, theirs)
  }
  for (const path of [`/users/${users * 2}`, `/user?id=${users * 2}`]) {
    const [ours, theirs] = await Promise.all([ask(septet, path), ask(bare, path)])
    if (ours.status !== 404 || theirs.status !== 404) fail(`GET ${path}`, bare, ours, theirs)
  }
}

/** Creates a user of the same content and compares all but the moments and ids. */
async function assertSameCreation(septet: Server, bare: Server): Promise<void> {
  const init = {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'Zoë', email: `same-${bare.port}@example.com` }),
  }
  const [ours, theirs] = await Promise.all([ask(septet, '/users', init), ask(bare, '/users', init)])
  const changing = /\d{4}-[\d-]+T[\d:.]+Z|"id":\d+|\/users\/\d+/g
  const lasting = ({ status, headers, body }: Answer): Answer => ({
    status,
    headers: headers.map((value) => value?.replace(changing, '') ?? null),
    body: body.replaceAll(changing, ''),
  })
  if (ours.status !== 201 || !same(lasting(ours), lasting(theirs))) fail('POST /users', bare, ours, theirs)
}

async function ask({ port }: Server, path: string, init?: RequestInit): Promise<Answer> {
  const response = await fetch(`http://127.0.0.1:${port}${path}`, init)
  const headers = compared.map((name) => response.headers.get(name))
  return { status: response.status, headers, body: await response.text() }
}

function same(one: Answer, other: Answer): boolean {
  return JSON.stringify(one) === JSON.stringify(other)
}

function fail(request: string, bare: Server, ours: Answer, theirs: Answer): never {
  throw new Error(
    `${request} differs\n  Septet: ${JSON.stringify(ours)}\n  ${bare.name}: ${JSON.stringify(theirs)}`.slice(0, 4000),
  )
}
