import { Webhook as StandardWebhook } from 'standardwebhooks'
import { Webhook as SvixWebhook } from 'svix'
import { test } from 'tap'
import { build } from '../../helper.ts'
import { receive } from './receiver.ts'
import { setup } from './setup.ts'

test('an endpoint gets what happens from its creation on, signed, and each attempt is recorded', async (t) => {
  const receiver = await receive(t, (_, reply) => reply.writeHead(200).end('thanks'))
  const { endpoint, addUser, settled, delivery, call } = await setup(t)
  await addUser()
  const made = await endpoint({ url: receiver.url })
  await addUser()
  const [message] = await receiver.has(1)
  const headers = message?.headers as Record<string, string>
  for (const Webhook of [StandardWebhook, SvixWebhook]) {
    t.doesNotThrow(() => new Webhook(made.secret ?? '').verify(message?.body ?? '', headers))
    t.throws(() => new Webhook(made.secret ?? '').verify(`${message?.body} `, headers))
  }
  t.match(message?.headers, { 'content-type': 'application/json', 'user-agent': /^Septet/ })
  t.match(message?.event, { type: 'user.created', subject: '/users/4', data: { name: 'User 2' } })
  const [row] = await settled(made.id)
  t.match(row, {
    state: 'delivered',
    eventId: message?.id,
    type: 'user.created',
    attempts: 1,
    status: 200,
    nextAt: null,
  })
  t.match(await delivery(made.id, row?.id ?? 0), {
    history: [{ outcome: 'delivered', status: 200, excerpt: 'thanks' }],
  })
  t.equal(receiver.received.length, 1)
  const listed = await call('GET', '/webhooks')
  t.notMatch(listed.body, /whsec_/, 'the secret is shown once')
})

test('a setting that cannot be used ends the start, and is named', async (t) => {
  for (const WEBHOOK_ALLOW of ['10.0.0.0/40', 'https://example.com', 'a b'])
    await t.rejects(build(t, { WEBHOOK_ALLOW }), { name: 'ConfigError', message: /^WEBHOOK_ALLOW/ }, WEBHOOK_ALLOW)
  for (const WEBHOOK_WAITS of ['soon', '0,5', '-1', ''.padEnd(200, '1 ')])
    await t.rejects(build(t, { WEBHOOK_WAITS }), { name: 'ConfigError', message: /^WEBHOOK_WAITS/ }, WEBHOOK_WAITS)
})
