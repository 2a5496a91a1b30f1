import { mock } from 'node:test'
import { test } from 'tap'
import { ConfigError, readConfig } from '../../src/config.ts'
import type { Principal } from '../../src/contract/principal.ts'
import { IceCredentials } from '../../src/rooms/ice-credentials.ts'
import { build } from '../helper.ts'

const ann: Principal = { kind: 'user', id: 'user:7', scopes: new Set(), userId: 7 }
const stun = ['stun:stun.example.com']

test('a credential is made from time, user and secret as coturn makes it, and says until when it is good', (t) => {
  mock.timers.enable({ apis: ['Date'], now: 1_700_000_000_000 })
  t.teardown(() => mock.timers.reset())
  const turn = ['turn:turn.example.com']
  const credentials = new IceCredentials({ stun, turn, secret: 'north', lifetime: 3_600_000 })
  // echo -n 1700003880:user-7 | openssl dgst -binary -sha1 -hmac north | base64
  const credential = 'yDVmuuah7IqL89OJ7sl55SO20L8='
  t.same(credentials.for(ann), {
    iceServers: [{ urls: stun }, { urls: turn, username: '1700003880:user-7', credential }],
    expiresAt: '2023-11-14T23:18:00.000Z',
  })
  t.end()
})

test('a principal has one name for a tenth of the lifetime, so that a quota by name binds', (t) => {
  mock.timers.enable({ apis: ['Date'], now: 1_700_000_280_001 })
  t.teardown(() => mock.timers.reset())
  const lifetime = 3_600_000
  const credentials = new IceCredentials({ stun: [], turn: ['turn:turn.example.com'], secret: 'north', lifetime })
  const names = new Map<string | undefined, number>()
  for (let second = 0; second < 720; second += 1) {
    const { iceServers, expiresAt } = credentials.for(ann)
    const left = Date.parse(expiresAt ?? '') - Date.now()
    if (left < lifetime || left > lifetime * 1.1) t.fail(`good for ${left} ms`)
    const name = iceServers[0]?.username
    names.set(name, (names.get(name) ?? 0) + 1)
    mock.timers.tick(1000)
  }
  t.same(
    [...names],
    [
      ['1700004240:user-7', 360],
      ['1700004600:user-7', 360],
    ],
  )
  const nameOf = (principal: Parameters<typeof credentials.for>[0]) =>
    credentials.for(principal).iceServers[0]?.username
  t.equal(nameOf({ ...ann, id: 'api-key:a' }), nameOf(ann), 'whichever key of a user asks')
  t.not(nameOf({ ...ann, id: 'user:8', userId: 8 }), nameOf(ann))
  t.not(nameOf({ id: 'api-key:a' }), nameOf({ id: 'api-key:b' }))
  t.end()
})

test('a credential is good no longer than the key that it was asked with', (t) => {
  mock.timers.enable({ apis: ['Date'], now: 1_700_000_000_000 })
  t.teardown(() => mock.timers.reset())
  const settings = { stun: [], turn: ['turn:turn.example.com'], secret: 'north', lifetime: 3_600_000 }
  const until = (expiresAt: string) => new IceCredentials(settings).for({ ...ann, expiresAt }).expiresAt
  t.equal(until('2023-11-14T22:14:20.000Z'), '2023-11-14T22:14:20.000Z')
  t.equal(until('2023-11-14T22:14:20.999Z'), '2023-11-14T22:14:20.000Z', 'in whole seconds, none of them after it')
  t.equal(until('2023-11-14T23:17:59.000Z'), '2023-11-14T23:17:59.000Z', 'nor by what is rounded up')
  t.equal(until('2023-11-14T23:18:01.000Z'), '2023-11-14T23:18:00.000Z')
  t.end()
})

test('without TURN there is no credential, and without settings no server', (t) => {
  const none = { turn: [], secret: '', lifetime: 1 }
  t.same(new IceCredentials({ stun, ...none }).for(ann), { iceServers: [{ urls: stun }], expiresAt: null })
  t.same(new IceCredentials({ stun: [], ...none }).for(ann), { iceServers: [], expiresAt: null })
  t.end()
})

test('settings that cannot be used end the start, and the secret is not repeated', async (t) => {
  t.throws(() => readConfig({ STUN_URLS: 'https://stun.example.com' }), /STUN_URLS must match pattern/)
  t.throws(() => readConfig({ TURN_URLS: 'stun:stun.example.com' }), /TURN_URLS must match pattern/)
  t.throws(() => readConfig({ TURN_SECRET: 'too short' }), { message: /^(?!.*too short).*TURN_SECRET/ })
  await t.rejects(build(t, { TURN_URLS: 'turn:turn.example.com' }), new ConfigError('TURN_URLS needs TURN_SECRET'))
})

test('credentials are for callers with the scope, and for no cache', async (t) => {
  const { app } = await build(t, { STUN_URLS: 'stun:stun.example.com' })
  t.equal((await app.inject({ url: '/ice-servers' })).statusCode, 401)
  const answer = await app.inject({ url: '/ice-servers', headers: { 'x-api-key': app.apiKeys.first ?? '' } })
  t.same(answer.json(), { iceServers: [{ urls: stun }], expiresAt: null })
  t.equal(answer.headers['cache-control'], 'no-store')
})
