import { test } from 'tap'
import { AllowList, isPublic } from '../../src/outbound/addresses.ts'
import { OutboundGuard, RefusedAddress } from '../../src/outbound/guard.ts'

const publicAddresses = ['93.184.216.34', '8.8.8.8', '1.1.1.1', '2606:4700:4700::1111', '2a00:1450:4001:81b::200e']

/** Address → what it is. */
const refused: Record<string, string> = {
  '0.0.0.0': 'this machine',
  '0.1.2.3': 'this network',
  '10.0.0.1': 'private',
  '100.64.0.1': 'behind a carrier',
  '100.100.100.200': 'metadata of Alibaba',
  '127.0.0.1': 'loopback',
  '127.255.255.254': 'loopback',
  '168.63.129.16': 'metadata of Azure',
  '169.254.169.254': 'metadata, link-local',
  '172.16.0.1': 'private',
  '172.31.255.255': 'private',
  '192.0.0.192': 'metadata of Oracle',
  '192.0.2.1': 'documentation',
  '192.88.99.1': '6to4 relay',
  '192.168.1.1': 'private',
  '198.18.0.1': 'benchmarks',
  '198.51.100.1': 'documentation',
  '203.0.113.1': 'documentation',
  '224.0.0.1': 'multicast',
  '240.0.0.1': 'reserved',
  '255.255.255.255': 'broadcast',
  '::': 'this machine',
  '::1': 'loopback',
  '::127.0.0.1': 'IPv4-compatible',
  '::8.8.8.8': 'IPv4-compatible',
  '::ffff:127.0.0.1': 'mapped loopback',
  '::ffff:10.0.0.1': 'mapped private',
  '::ffff:a9fe:a9fe': 'mapped metadata',
  '::ffff:0:127.0.0.1': 'translated',
  '64:ff9b::127.0.0.1': 'NAT64',
  '64:ff9b:1::1': 'local NAT64',
  '100::1': 'discard',
  '2001::1': 'Teredo',
  '2001:10::1': 'ORCHID',
  '2001:db8::1': 'documentation',
  '2002:7f00:1::': '6to4 of loopback',
  '3fff::1': 'documentation',
  '5f00::1': 'segment routing',
  'fc00::1': 'unique local',
  'fd00:ec2::254': 'metadata of AWS',
  'fe80::1': 'link-local',
  'fe80::1%eth0': 'link-local with a zone',
  'fec0::1': 'site-local',
  'ff02::1': 'multicast',
  localhost: 'no address',
  '127.1': 'no address as it stands',
  '': 'nothing',
}

test('public addresses may be called, and nothing else', (t) => {
  for (const address of publicAddresses) t.ok(isPublic(address), address)
  t.ok(isPublic('::ffff:8.8.8.8'), 'a public address that is mapped')
  for (const [address, what] of Object.entries(refused)) t.notOk(isPublic(address), `${address}: ${what}`)
  t.end()
})

test('an allow list knows hosts by name, addresses and networks in any form', (t) => {
  const list = new AllowList(['hooks.internal', '10.1.0.0/16', '127.0.0.1', 'fd00::/8'])
  for (const host of ['hooks.internal', 'HOOKS.internal', '127.0.0.1', '[fd00::1]', '10.1.2.3'])
    t.ok(list.hasHost(host), host)
  for (const host of ['a.hooks.internal', '127.0.0.2', '10.2.0.1', '[::1]']) t.notOk(list.hasHost(host), host)
  t.ok(list.hasAddress('::ffff:10.1.0.9'))
  for (const entry of ['10.0.0.0/33', 'a b', 'https://a']) t.throws(() => new AllowList([entry]), RangeError)
  t.end()
})

const guard = new OutboundGuard(['hooks.internal', '10.1.0.0/16'])

/** URL → why it is refused, or nothing. */
const urls: [url: string, refusal: RegExp | undefined][] = [
  ['https://example.com/hooks', undefined],
  ['https://example.com:8443/hooks?a=b', undefined],
  ['https://hooks.internal/', undefined],
  ['http://hooks.internal:81/', undefined],
  ['http://10.1.2.3/', undefined],
  ['https://8.8.8.8/', undefined],
  ['http://example.com/', /https/],
  ['ftp://example.com/', /https/],
  ['file:///etc/passwd', /https/],
  ['nonsense', /URL/],
  ['https://user@example.com/', /user name/],
  ['https://user:secret@example.com/', /user name/],
  ['https://hooks.internal@example.com/', /user name/],
  ['https://example.com/#a', /fragment/],
  ['https://example.com:22/', /port/],
  ['https://example.com:6667/', /port/],
  ['https://127.0.0.1/', /public/],
  ['https://127.1/', /public/],
  ['https://0x7f000001/', /public/],
  ['https://2130706433/', /public/],
  ['https://0177.0.0.1/', /public/],
  ['https://①②⑦.0.0.1/', /public/],
  ['https://[::1]/', /public/],
  ['https://[::ffff:127.0.0.1]/', /public/],
  ['https://[::127.0.0.1]/', /public/],
  ['https://169.254.169.254/latest/meta-data', /public/],
  ['https://10.2.0.1/', /public/],
  ['https://localhost/', /public/],
  ['https://a.localhost./', /public/],
  [`https://example.com/${'a'.repeat(2000)}`, /characters/],
]

test('a URL is judged when it is given', (t) => {
  for (const [url, refusal] of urls) {
    const given = guard.refusalOf(url)
    if (refusal) t.match(given ?? '', refusal, url)
    else t.equal(given, undefined, url)
  }
  t.end()
})

test('a name is resolved once, and refused when one of its addresses is', async (t) => {
  const answers = [['93.184.216.34'], ['93.184.216.34', '10.0.0.1'], ['::ffff:127.0.0.1'], ['10.1.0.1'], []]
  let asked = 0
  const judging = new OutboundGuard(['10.1.0.0/16', 'named.internal'], (_host, _options, done) => {
    done(
      null,
      (answers[asked++] ?? ['127.0.0.1']).map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
    )
  })
  const look = (host: string, all = true) =>
    new Promise<unknown>((resolve) => {
      judging.lookup(host, { all }, (error, address) => resolve(error ?? address))
    })
  t.same(await look('example.com'), [{ address: '93.184.216.34', family: 4 }])
  t.type(await look('mixed.example'), RefusedAddress)
  t.type(await look('mapped.example'), RefusedAddress)
  t.equal(await look('allowed.example', false), '10.1.0.1')
  t.type(await look('none.example'), RefusedAddress)
  t.same(await look('named.internal'), [{ address: '127.0.0.1', family: 4 }], 'a name that is allowed leads anywhere')
  t.equal(asked, 6)
})
