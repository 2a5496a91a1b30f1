import { createConnection } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Test, test } from 'tap'
import type { Operation } from '../../src/contract/operation.ts'
import { cursorOf, openStream, parsedOf, type Stream } from '../../src/contract/stream.ts'
import { listen } from '../helper.ts'
import { makeKey } from '../keys.ts'

/** Streams of operations, as a wire opens them. */
async function serve(t: Test) {
  const { app, base, logs } = await listen(t)
  const socket = createConnection(Number(new URL(base).port), '127.0.0.1')
  t.teardown(() => socket.destroy())
  const open = (operationId: string, input: Record<string, unknown> = {}, headers: Record<string, string> = {}) =>
    openStream(app.dispatch, {
      operation: app.contract.get(operationId) as Operation,
      input,
      peer: { socket, headers, wire: 'test' },
    })
  const add = (name: string) =>
    app.inject({ method: 'POST', url: '/users', payload: { name, email: `${name}@example.com` } })
  return { app, logs, open, add }
}

/** Reads until this many items have come. */
async function take(stream: Stream, count: number) {
  const items: unknown[] = []
  let seen = stream.after
  for await (const part of stream.parts(AbortSignal.timeout(10_000))) {
    items.push(...part.items.map(parsedOf))
    seen = part.seen
    if (items.length >= count) break
  }
  return { items, seen }
}

test('a stream begins as a call of its operation: checked, and logged once, when it begins', async (t) => {
  const { open, add, logs } = await serve(t)
  const stream = await open('listEvents', { types: ['user.created'] })
  t.equal(stream.after, 2)
  await sleep(150)
  const lines = () => logs().filter(({ wire }) => wire === 'test')
  t.match(lines(), [{ path: '/events', status: 200, wire: 'test' }])
  const taken = take(stream, 1)
  await add('Zoe')
  t.match(await taken, { items: [{ type: 'user.created', subject: '/users/3' }], seen: 3 })
  await t.rejects(open('listEvents', { types: ['user.gone'] }), { code: 'validation-failed' })
  await t.rejects(open('listEvents', { nothing: 1 }), { code: 'validation-failed' })
  await t.rejects(open('listEvents', {}, { authorization: 'Bearer no' }), { code: 'unauthenticated' })
  await sleep(150)
  t.same(lines().length, 4)
})

test('what was said of SSE on a connection of another wire does not move its streams', async (t) => {
  const { open } = await serve(t)
  t.equal((await open('listEvents', {}, { 'last-event-id': '1' })).after, 2)
  t.equal((await open('listEvents', { cursor: '1' }, { 'last-event-id': '0' })).after, 1)
})

test('an operation that is not live is not called for a stream', async (t) => {
  const { open, app } = await serve(t)
  await t.rejects(open('createUser', { name: 'Zoe', email: 'zoe@example.com' }), { message: /gives no stream/ })
  t.equal((await app.inject('/users')).json().length, 2)
})

test('who listens is asked again when nothing happens: a key that expires ends its stream', async (t) => {
  const { open, app } = await serve(t)
  app.events.heartbeat = 50
  const expiresAt = new Date(Date.now() + 1500).toISOString()
  const { key } = await makeKey(app, app.apiKeys.first ?? '', ['events:read', 'users:read'], { expiresAt })
  const parts = (await open('listEvents', {}, { 'x-api-key': key })).parts(AbortSignal.timeout(10_000))
  t.match(await parts.next(), { value: { items: [], seen: Number } }, 'a sign of life')
  const ending = async () => {
    for await (const { items } of parts) if (items.length > 0) return items
    return undefined
  }
  await t.rejects(ending(), { code: 'unauthenticated' })
})

test('scopes that are taken away are missed by the stream at once', async (t) => {
  const { open, add, app } = await serve(t)
  const scopes = new Set(['events:read', 'users:read'])
  app.access.accept({
    recognises: (text) => text === 'mine',
    authenticate: () => ({ kind: 'api-key', id: 'mine', scopes: new Set(scopes) }),
  })
  const parts = (await open('listEvents', {}, { 'x-api-key': 'mine' })).parts(AbortSignal.timeout(10_000))
  const first = parts.next()
  await add('Zoe')
  t.equal((await first).value?.items.length, 1)
  scopes.delete('users:read')
  const second = parts.next()
  await add('Ann')
  t.match(await second, { value: { items: [], seen: 4 } })
})

test('a stream ends with its signal, its credential, the server, or when what comes next is gone', async (t) => {
  const { open, add, app } = await serve(t)
  const none = new AbortController()
  const ended = (await open('listEvents')).parts(none.signal).next()
  none.abort()
  t.match(await ended, { done: true })
  const admin = app.apiKeys.first ?? ''
  const { key, id } = await makeKey(app, admin, ['events:read', 'users:read'])
  const revoked = take(await open('listEvents', {}, { 'x-api-key': key }), 1)
  await app.inject({ method: 'DELETE', url: `/keys/${id}`, headers: { 'x-api-key': admin } })
  const late = await open('listEvents', { cursor: '0' })
  await Promise.all([t.rejects(revoked, { code: 'unauthenticated' }), add('Zoe')])
  const parts = late.parts(AbortSignal.timeout(10_000))
  t.match(await parts.next(), { done: false })
  const behind = await open('listEvents', { cursor: cursorOf(1) })
  await app.events.log.forgetAfter(-1000)
  await t.rejects(take(behind, 1), { code: 'gone' })
  const stopped = t.rejects(parts.next(), { code: 'unavailable' })
  await app.events.feed.close()
  await stopped
})
