/**
 * What Septet is measured against: `node:http` alone with the same database, the same checks by hand and the same
 * bytes of body. No validation library, no security headers, no log, no metrics.
 *
 * Arguments: database file, port, `each` or `group` (one commit a request, or one a turn of the event loop), `rows` or
 * `text` (pages mapped and stringified here, or built as JSON by SQL as Septet does).
 */

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { parse } from 'node:querystring'
import Database from 'better-sqlite3'
import { fold, normaliseEmail } from '../src/schemas/email.ts'

const [file = '', port = '0', commits = 'each', pages = 'rows'] = process.argv.slice(2)

interface Item {
  id: number
  name: string
  email: string
}

interface User extends Item {
  version: number
}

interface Detail extends User {
  created_at: string
  updated_at: string
}

interface Write {
  name: string
  email: string
  response: ServerResponse
}

const database = new Database(file, { timeout: 5000 })
database.pragma('journal_mode = wal')
database.pragma('synchronous = full')
database.pragma('foreign_keys = on')
database.pragma('cache_size = -16000')
const detail = database.prepare<[number], Detail>(
  'select id, name, email, version, created_at, updated_at from users where id = ?',
)
const find = database.prepare<[number], User>('select id, name, email, version from users where id = ?')
const first = database.prepare<[number], Item>('select id, name, email from users order by id limit ?')
const after = database.prepare<[number, number], Item>(
  'select id, name, email from users where id > ? order by id limit ?',
)
const json = "json_object('id', id, 'name', name, 'email', email)"
const firstTexts = database.prepare<[number], string>(`select ${json} from users order by id limit ?`).pluck()
const afterTexts = database
  .prepare<[number, number], string>(`select ${json} from users where id > ? order by id limit ?`)
  .pluck()
const insert = database.prepare<string[]>(
  `insert into users (version, created_at, updated_at, name, name_key, email, email_key)
   values (1, ?, ?, ?, ?, ?, ?)`,
)
const begin = database.prepare('begin immediate')
const commit = database.prepare('commit')

const server = createServer((request, response) => {
  const url = request.url ?? ''
  const mark = url.indexOf('?')
  const path = mark === -1 ? url : url.slice(0, mark)
  const query = mark === -1 ? '' : url.slice(mark + 1)
  if (request.method === 'POST' && path === '/users') return create(request, response)
  if (request.method !== 'GET') return notFound(response)
  if (path === '/users') return page(response, query)
  if (path === '/user') return findUser(response, Number(parse(query).id))
  if (path.startsWith('/users/')) return getUser(response, Number(path.slice(7)))
  return notFound(response)
})
server.keepAliveTimeout = 72_000
server.listen(Number(port), '127.0.0.1')
process.once('SIGTERM', () => process.exit())

function page(response: ServerResponse, query: string): ServerResponse {
  const { limit: wanted, cursor } = query === '' ? {} : parse(query)
  const limit = wanted === undefined ? 20 : Number(wanted)
  if (!(limit >= 1 && limit <= 100)) return refuse(response)
  let position: number | undefined
  if (cursor !== undefined) {
    const [sort, , id] = JSON.parse(Buffer.from(String(cursor), 'base64url').toString()) as unknown[]
    if (sort !== 'id' || !Number.isSafeInteger(id)) return refuse(response)
    position = id as number
  }
  const { body, last } = pages === 'text' ? pageOfTexts(limit, position) : pageOfRows(limit, position)
  if (last === undefined) return send(response, 200, body, {})
  const next = Buffer.from(JSON.stringify(['id', last, last])).toString('base64url')
  const kept = wanted === undefined ? '' : `limit=${limit}&`
  return send(response, 200, body, { link: `</users?${kept}cursor=${next}>; rel="next"` })
}

interface Page {
  body: string
  /** Id of the last row when more follow. */
  last: number | undefined
}

function pageOfRows(limit: number, position: number | undefined): Page {
  const rows = position === undefined ? first.all(limit + 1) : after.all(position, limit + 1)
  const more = rows.length > limit
  if (more) rows.length = limit
  const body = JSON.stringify(rows.map(({ id, name, email }) => ({ id, name, email })))
  return { body, last: more ? rows[limit - 1]?.id : undefined }
}

function pageOfTexts(limit: number, position: number | undefined): Page {
  const texts = position === undefined ? firstTexts.all(limit + 1) : afterTexts.all(position, limit + 1)
  const more = texts.length > limit
  if (more) texts.length = limit
  const last = more ? (JSON.parse(texts[limit - 1] ?? '') as Item).id : undefined
  return { body: `[${texts.join(',')}]`, last }
}

function findUser(response: ServerResponse, id: number): ServerResponse {
  const row = Number.isSafeInteger(id) ? find.get(id) : undefined
  if (row === undefined) return notFound(response)
  const { name, email, version } = row
  return send(response, 200, JSON.stringify({ id: row.id, name, email }), { etag: `"${version}"` })
}

function getUser(response: ServerResponse, id: number): ServerResponse {
  const row = Number.isSafeInteger(id) ? detail.get(id) : undefined
  if (row === undefined) return notFound(response)
  const { name, email, version, created_at: createdAt, updated_at: updatedAt } = row
  const body = JSON.stringify({ id: row.id, name, email, createdAt, updatedAt })
  return send(response, 200, body, { etag: `"${version}"` })
}

function create(request: IncomingMessage, response: ServerResponse): void {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    let input: unknown
    try {
      input = JSON.parse(Buffer.concat(chunks).toString())
    } catch {
      return refuse(response)
    }
    if (typeof input !== 'object' || input === null || !('name' in input) || !('email' in input)) {
      return refuse(response)
    }
    const { name, email } = input
    if (typeof name !== 'string' || name.length < 1 || name.length > 200) return refuse(response)
    if (typeof email !== 'string' || email.length > 254 || !/^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(email)) {
      return refuse(response)
    }
    return store({ name, email, response })
  })
}

let waiting: Write[] = []

function store(write: Write): void {
  if (commits === 'each') commitAll([write])
  else if (waiting.push(write) === 1) setImmediate(commitWaiting)
}

function commitWaiting(): void {
  const group = waiting
  waiting = []
  commitAll(group)
}

/** Nothing is answered before the commit that holds it. */
function commitAll(group: readonly Write[]): void {
  const answers: (() => void)[] = []
  begin.run()
  for (const { name, email, response } of group) {
    const now = new Date().toISOString()
    try {
      const id = Number(insert.run(now, now, name, fold(name), email, normaliseEmail(email)).lastInsertRowid)
      const body = JSON.stringify({ id, name, email, createdAt: now, updatedAt: now })
      answers.push(() => send(response, 201, body, { location: `/users/${id}`, etag: '"1"' }))
    } catch (error) {
      if (!(error instanceof Database.SqliteError) || error.code !== 'SQLITE_CONSTRAINT_UNIQUE') throw error
      answers.push(() => send(response, 409, '{"status":409,"title":"Conflict"}', {}))
    }
  }
  commit.run()
  for (const answer of answers) answer()
}

function notFound(response: ServerResponse): ServerResponse {
  return send(response, 404, '{"status":404,"title":"Not found"}', {})
}

function refuse(response: ServerResponse): ServerResponse {
  return send(response, 400, '{"status":400,"title":"Bad request"}', {})
}

function send(response: ServerResponse, status: number, body: string, headers: Record<string, string>): ServerResponse {
  const length = Buffer.byteLength(body)
  response.writeHead(status, {
    ...headers,
    'content-type': 'application/json; charset=utf-8',
    'content-length': length,
  })
  return response.end(body)
}
