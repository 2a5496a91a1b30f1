import { test } from 'tap'
import { cleanForwardedFor } from '../../src/contract/forwarded.ts'
import { build } from '../helper.ts'

test('of X-Forwarded-For addresses are taken, without the ports that gateways add, and nothing else', async (t) => {
  t.equal(cleanForwardedFor('192.0.2.1'), '192.0.2.1')
  t.equal(cleanForwardedFor('192.0.2.1:4711, [2001:db8::1]:80 ,2001:db8::2'), '192.0.2.1, 2001:db8::1, 2001:db8::2')
  for (const header of ['', 'unknown', 'x"', '192.0.2.1, evil', '300.1.1.1', '192.0.2.1:abc']) {
    t.equal(cleanForwardedFor(header), undefined, header)
  }
})

test('a proxy that is trusted says who called, in the log and for limits; others do not', async (t) => {
  const forwarded = (header: string) => ({ url: '/users', headers: { 'x-forwarded-for': header } })
  const { app, logs } = await build(t, { TRUST_PROXY: '127.0.0.1' })
  for (const header of ['192.0.2.1:99', 'x"\u00e9']) await app.inject(forwarded(header))
  t.same(
    logs().flatMap(({ msg, ip }) => (msg === 'request' ? [ip] : [])),
    ['192.0.2.1', '127.0.0.1'],
  )
  const direct = await build(t)
  await direct.app.inject(forwarded('192.0.2.1'))
  t.match(
    direct.logs().filter(({ msg }) => msg === 'request'),
    [{ ip: '127.0.0.1' }],
  )
})
