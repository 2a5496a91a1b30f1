import { test } from 'tap'
import type { Inbound } from '../../../src/connectors/connector.ts'
import { changesOf } from '../../../src/integrations/salesforce/changes.ts'
import { join, secret } from './setup.ts'
import { signed } from './two-way-setup.ts'

const change = { id: '003000000000001AAA', externalId: '7', systemModstamp: '2026-01-01T00:00:00.000Z' }
const now = Math.floor(Date.now() / 1000)

test('a change or a list of them is taken, without more than is needed', (t) => {
  const fields = { Email: 'fatima@example.com' }
  const [one] = changesOf(signed(JSON.stringify({ ...change, fields })), secret)
  t.match(one, { id: /^[0-9a-f]{40}-0$/, type: 'contact.changed', data: change })
  t.notMatch(JSON.stringify(one), /fatima/)
  t.match(changesOf(signed(JSON.stringify([change, { ...change, externalId: 8 }])), secret), [
    { id: /-0$/ },
    { id: /-1$/, data: { externalId: 8 } },
  ])
  t.end()
})

test('a message that comes twice has the ids that it had, another message others', (t) => {
  const [message, other] = [
    signed(JSON.stringify(change), { at: now }),
    signed(JSON.stringify(change), { at: now - 1 }),
  ]
  t.same(changesOf(message, secret), changesOf(message, secret))
  t.not(changesOf(message, secret)[0]?.id, changesOf(other, secret)[0]?.id)
  t.end()
})

test('a contact that no user has is nobody here', (t) => {
  for (const externalId of [undefined, null, '', 'x', '-1', '1.5', '0x10', '1e1', ' 7']) {
    t.same(changesOf(signed(JSON.stringify({ ...change, externalId })), secret), [], String(externalId))
  }
  t.end()
})

const good = signed(JSON.stringify(change))
const refused: [string, Inbound][] = [
  ['no signature', { ...good, headers: {} }],
  ['another secret', signed(JSON.stringify(change), { key: 'another secret of thirty-two characters' })],
  ['another body', { ...good, body: Buffer.from(JSON.stringify({ ...change, externalId: '8' })) }],
  ['a signature that is cut off', { ...good, headers: { 'x-salesforce-signature': `t=${now},v1=00` } }],
  ['an old one', signed(JSON.stringify(change), { at: now - 400 })],
  ['one from the future', signed(JSON.stringify(change), { at: now + 400 })],
]

for (const [what, inbound] of refused) {
  test(`${what} is refused`, (t) => {
    t.throws(() => changesOf(inbound, secret), { code: 'unauthenticated' })
    t.end()
  })
}

test('what is no change is malformed', (t) => {
  for (const body of ['', '{', '1', '{"id":"short"}', '[1]', `[${'{},'.repeat(9)}{}]`]) {
    t.throws(() => changesOf(signed(body), secret), { code: 'malformed-request' }, body)
  }
  t.end()
})

test('without a secret there is no way back', async (t) => {
  const { connection } = await join(t)
  t.equal(connection.receive, undefined)
})
