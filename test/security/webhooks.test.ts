import { setTimeout as wait } from 'node:timers/promises'
import { test } from 'tap'
import { type Received, receive } from '../protocols/webhooks/receiver.ts'
import { openOutside } from './visitor.ts'

const settings = {
  WEBHOOK_ALLOW: '127.0.0.1',
  WEBHOOK_WAITS: '0 0.2',
  MEMBER_SCOPES: 'users:read webhooks:read webhooks:write',
}
const names = (received: readonly Received[]) => received.map(({ event }) => event.data.name)

test('an endpoint of a member gets nothing while the account is locked, and is gone with the user', async (t) => {
  const receiver = await receive(t)
  const { ask, join, admin, app } = await openOutside(t, settings)
  const { accessToken, id } = await join('zoe@example.com')
  const made = await ask('POST', '/webhooks', { credential: accessToken, body: { url: receiver.url } })
  t.match(made, { status: 201, json: { createdBy: `user:${id}`, secret: /^whsec_/ } })
  const add = (name: string) =>
    ask('POST', '/users', { credential: admin, body: { name, email: `${name}@example.com` } })
  const lock = (disabled: boolean) =>
    ask('PUT', `/accounts/${id}`, { credential: admin, body: { role: 'member', disabled } })
  await add('before')
  await receiver.has(1)
  t.equal((await lock(true)).status, 200)
  await add('locked')
  const { deliveries, events, storage } = app
  const isRead = async () =>
    (await storage.engine.first<{ last: number }>(deliveries.sql.position, {}))?.last === events.feed.newest
  while (!(await isRead())) await wait(5)
  t.equal((await lock(false)).status, 200)
  await add('after')
  await receiver.has(2)
  t.same(names(receiver.received), ['before', 'after'])
  t.equal((await ask('DELETE', `/users/${id}`, { credential: admin })).status, 204)
  t.same((await ask('GET', '/webhooks', { credential: admin })).json, [])
  await add('last')
  t.same(await app.deliveries.backlog(), { waiting: 0, age: 0 })
  t.equal(receiver.received.length, 2)
})

test('a member sees and changes no endpoint of another', async (t) => {
  const { ask, join } = await openOutside(t, settings)
  const [one, other] = [await join('one@example.com'), await join('other@example.com')]
  const url = 'https://example.com/hooks'
  const { json } = await ask('POST', '/webhooks', { credential: one.accessToken, body: { url } })
  for (const [method, path, body] of [
    ['GET', '', undefined],
    ['PATCH', '', { url: 'https://evil.example/' }],
    ['POST', '/rotate-secret', {}],
    ['POST', '/test', undefined],
    ['POST', '/replay', {}],
    ['GET', '/deliveries', undefined],
    ['DELETE', '', undefined],
  ] as const) {
    const { status } = await ask(method, `/webhooks/${json.id}${path}`, { credential: other.accessToken, body })
    t.equal(status, 404, `${method} ${path}`)
  }
  t.equal((await ask('GET', `/webhooks/${json.id}`, { credential: one.accessToken })).status, 200)
})
