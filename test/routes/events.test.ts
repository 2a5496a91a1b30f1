import { setTimeout as wait } from 'node:timers/promises'
import { type Test, test } from 'tap'
import { build, listen } from '../helper.ts'
import { makeKey } from '../keys.ts'

interface Told {
  type: string
  subject: string
  sequence: string
  data: { name: string }
}

const add = (name: string) => ({ name, email: `${name}@example.com` })

/** A client of a stream: reads on until it has seen what it waits for. */
async function subscribe(t: Test, base: string, headers: Record<string, string> = {}, query = '') {
  const abort = new AbortController()
  t.teardown(() => abort.abort())
  const accept = 'text/event-stream'
  const answer = await fetch(`${base}/events${query}`, { headers: { accept, ...headers }, signal: abort.signal })
  const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader()
  let text = ''
  let ended = false
  const read = async (enough: () => boolean) => {
    while (!enough() && !ended) {
      const { done, value = '' } = (await reader?.read()) ?? { done: true }
      ended = done
      text += value
    }
  }
  const events = () =>
    [...text.matchAll(/^id: (\d+)\ndata: (.*)$/gm)].map(([, , data = '']) => JSON.parse(data) as Told)
  return {
    answer,
    abort,
    async take(count: number) {
      await read(() => events().length >= count)
      return events().map(({ type, subject }) => `${type} ${subject}`)
    },
    async end() {
      await read(() => false)
      return ended
    },
    last: () => [...text.matchAll(/^id: (\d+)$/gm)].at(-1)?.[1] ?? '',
  }
}

test('events are listed with what the caller may see and asks for, page by page', async (t) => {
  const { app } = await build(t)
  const admin = app.apiKeys.first ?? ''
  const created = await app.inject({ method: 'POST', url: '/users', payload: add('Zoe') })
  await app.inject({ method: 'PATCH', url: '/users/3', payload: { name: 'Zoë' } })
  await app.inject({ method: 'DELETE', url: '/users/3' })
  const list = async (query: string, key = admin) =>
    (await app.inject({ url: `/events${query}`, headers: { 'x-api-key': key } })).json<Told[]>()
  const all = await list('')
  t.same(
    all.map(({ type, subject, sequence }) => [type, subject, sequence]),
    [
      ['user.created', '/users/1', '0000000000000001'],
      ['user.created', '/users/2', '0000000000000002'],
      ['user.created', '/users/3', '0000000000000003'],
      ['user.updated', '/users/3', '0000000000000004'],
      ['user.deleted', '/users/3', '0000000000000005'],
    ],
  )
  t.same(all[2]?.data, created.json())
  t.same(await list('?types=user.updated'), [all[3]])
  t.same(await list('?types=user.*&subject=/users/3&cursor=0000000000000003'), all.slice(3))
  t.same(await list('?types=user.updated&types=user.deleted&limit=1'), [all[3]])
  const first = await app.inject({ url: '/events?limit=2', headers: { 'x-api-key': admin } })
  t.match(first.headers.link, /limit=2&cursor=0000000000000002>; rel="next"/)
  t.match(await list('?types=user.gone'), { code: 'validation-failed', errors: [{ pointer: '/types/0' }] })
  t.match(await list('?cursor=6'), { code: 'validation-failed', errors: [{ pointer: '/cursor' }] })
  const { key } = await makeKey(app, admin, ['events:read'])
  t.same(await list('', key), [], 'what needs another scope is not there')
  t.match(await list('?types=user.*', key), { code: 'forbidden', detail: /users:read/ })
  t.match(await list('', (await makeKey(app, admin, ['users:read'])).key), { code: 'forbidden', detail: /events:read/ })
  await app.events.log.forgetAfter(-1000)
  t.match(await list('?cursor=2'), { code: 'gone', status: 410 })
  t.same(await list(`?cursor=${(await app.events.log.bounds()).newest}`), [])
})

test('a stream tells what happens from now on, and goes on behind the last event that was seen', async (t) => {
  const { app, base } = await listen(t)
  const stream = await subscribe(t, base)
  t.match(stream.answer.headers.get('content-type'), 'text/event-stream')
  await app.inject({ method: 'POST', url: '/users', payload: add('Zoe') })
  t.same(await stream.take(1), ['user.created /users/3'])
  stream.abort.abort()
  for (const name of ['Ann', 'Ben']) await app.inject({ method: 'POST', url: '/users', payload: add(name) })
  const again = await subscribe(t, base, { 'last-event-id': stream.last() })
  t.same(await again.take(2), ['user.created /users/4', 'user.created /users/5'])
  const chosen = await subscribe(t, base, {}, '?types=user.deleted&cursor=0')
  await app.inject({ method: 'DELETE', url: '/users/4' })
  t.same(await chosen.take(1), ['user.deleted /users/4'])
  for (const { abort } of [again, chosen]) abort.abort()
  for (let tries = 0; app.events.feed.waiting > 1 && tries < 100; tries += 1) await wait(20)
  t.equal(app.events.feed.waiting, 1, 'nothing waits for who has gone, but the fan-out of deliveries')
  t.equal((await subscribe(t, base, { 'last-event-id': '99' })).answer.status, 400)
  t.equal((await subscribe(t, base, {}, '?types=user.gone')).answer.status, 400)
})

test('a stream ends when its credential does, and when the server stops', async (t) => {
  const { app, base } = await listen(t)
  const admin = app.apiKeys.first ?? ''
  const { key, id } = await makeKey(app, admin, ['events:read', 'users:read'])
  const stream = await subscribe(t, base, { 'x-api-key': key })
  await app.inject({ method: 'DELETE', url: `/keys/${id}`, headers: { 'x-api-key': admin } })
  await app.inject({ method: 'POST', url: '/users', payload: add('Zoe') })
  t.ok(await stream.end())
  t.same(await stream.take(0), [], 'and tells nothing more')
  const other = await subscribe(t, base)
  const [ended] = await Promise.all([other.end(), app.close()])
  t.ok(ended)
})
