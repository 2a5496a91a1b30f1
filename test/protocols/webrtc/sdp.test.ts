import { test } from 'tap'
import { announce, readFragment, readOffer, writeOffer } from '../../../src/protocols/webrtc/sdp.ts'

const fingerprint = `sha-256 ${Array.from({ length: 32 }, () => 'AB').join(':')}`
const offerOf = (...more: string[]) =>
  [
    ...['v=0', 'o=- 1 2 IN IP4 127.0.0.1', 's=-', 't=0 0', 'a=group:BUNDLE data', 'a=extmap-allow-mixed'],
    ...['m=application 9 UDP/DTLS/SCTP webrtc-datachannel', 'c=IN IP4 0.0.0.0', 'a=mid:data'],
    ...['a=ice-ufrag:abcd', 'a=ice-pwd:aaaaaaaaaaaaaaaaaaaaaaaa', `a=fingerprint:${fingerprint}`, 'a=setup:actpass'],
    ...[...more, ''],
  ].join('\r\n')

test('the library is given what was understood of an offer, and nothing else', (t) => {
  const written = writeOffer(readOffer(offerOf('a=max-message-size:262144', 'a=strange:thing', 'a=candidate:no')))
  t.notMatch(written, /strange|extmap|candidate/)
  t.match(
    written,
    `a=fingerprint:${fingerprint}\r\na=setup:actpass\r\na=sctp-port:5000\r\na=max-message-size:262144\r\n`,
  )
  t.match(readOffer(offerOf()), { maxMessage: 65_536, mid: 'data' }, 'as RFC 8841 has it where nothing is said')
  t.end()
})

test('candidates that are names, of a whole network, or of another transport are left out', (t) => {
  const candidate = (address: string, transport = 'udp', port = '5000', component = '1') =>
    `a=candidate:1 ${component} ${transport} 2113937151 ${address} ${port} typ host generation 0 network-cost 999`
  const { candidates } = readOffer(
    offerOf(
      candidate('192.0.2.1'),
      candidate('2001:db8::1', 'UDP'),
      candidate('0b5ab3d5-6fdb-4b8d-a2a1-6a0a8b4d2c11.local'),
      candidate('internal.example.com'),
      candidate('192.0.2.1', 'tcp'),
      candidate('192.0.2.1', 'udp', '0'),
      candidate('192.0.2.1', 'udp', '5000', '2'),
      ...['224.0.0.1', '239.1.1.1', '255.255.255.255', '0.0.0.0', '::', 'ff02::1'].map((each) => candidate(each)),
      'a=candidate:1 1 udp',
    ),
  )
  t.same(candidates, [
    'candidate:1 1 UDP 2113937151 192.0.2.1 5000 typ host',
    'candidate:1 1 UDP 2113937151 2001:db8::1 5000 typ host',
  ])
  const many = Array.from({ length: 100 }, (_, index) => candidate(`192.0.2.${index + 1}`))
  t.equal(readOffer(offerOf(...many)).candidates.length, 16)
  t.end()
})

test('an address of no host, or of many, is left out however it is written', (t) => {
  const taken = (address: string) =>
    readFragment(`a=candidate:1 1 UDP 1 ${address} 9 typ host`).candidates.map((each) => each.split(' ')[4])
  for (const address of [
    ...['0.0.0.0', '0.1.2.3', '224.0.0.1', '239.255.255.255', '240.0.0.1', '255.255.255.255'],
    ...['::', '0::0', '0:0:0:0:0:0:0:0', '::0.0.0.0', '0000:0000:0000:0000:0000:0000:0000:0000'],
    ...['ff02::1', 'FF02::1', 'ff02:0:0:0:0:0:0:1', 'ff02::1%eth0', 'fe80::1%eth0'],
    ...['::ffff:224.0.0.1', '::FFFF:224.0.0.1', '::ffff:e000:1', '0:0:0:0:0:ffff:e000:1', '0:0:0:0:0:ffff:224.0.0.1'],
    ...['::ffff:255.255.255.255', '::ffff:ffff:ffff', '::ffff:0.0.0.0', '::ffff:0:0', '0:0:0:0:0:ffff:0:0'],
    ...['64:ff9b::224.0.0.1', '64:ff9b::e000:1', '0064:ff9b:0:0:0:0:ffff:ffff', '64:ff9b::', '64:ff9b::0.0.0.1'],
    ...['::224.0.0.1', '::e000:1', '::255.255.255.255', '::ffff:0:224.0.0.1', '::ffff:0:0:0', '2002:e000:1::'],
    ...['2002:ffff:ffff::1', '2002::1'],
  ])
    t.same(taken(address), [], address)
  for (const address of [
    ...['192.0.2.1', '223.255.255.255', '1.0.0.0', '127.0.0.1', '10.0.0.255', '2001:db8::1', 'fe80::1', 'fd00::1'],
    ...['::1', '::ffff:192.0.2.1', '::ffff:c000:201', '64:ff9b::192.0.2.1', '2002:c000:201::1', 'fe00::'],
  ])
    t.same(taken(address), [address], address)
  t.end()
})

test('a fragment has candidates, and may name its ICE session', (t) => {
  t.same(
    readFragment('a=candidate:1 1 UDP 1 192.0.2.1 9 typ srflx raddr 10.0.0.1 rport 9\r\na=end-of-candidates\r\n'),
    {
      ufrag: undefined,
      password: undefined,
      candidates: ['candidate:1 1 UDP 1 192.0.2.1 9 typ srflx'],
    },
  )
  t.equal(readFragment('a=ice-ufrag:abcd\na=mid:0\n').ufrag, 'abcd')
  t.throws(() => readFragment('a=ice-ufrag:no'), { code: 'malformed-request' })
  t.throws(() => readFragment('{}'), { code: 'malformed-request' })
  t.end()
})

test('addresses of a NAT stand in the place of the own ones of their family', (t) => {
  const answer = [
    'v=0',
    'a=candidate:1 1 UDP 2114977791 10.0.0.5 40000 typ host',
    'a=candidate:2 1 UDP 2114977790 fd00::5 40000 typ host',
    'a=candidate:3 1 UDP 1678769919 198.51.100.1 40001 typ srflx raddr 0.0.0.0 rport 0',
    'a=end-of-candidates',
    '',
  ].join('\r\n')
  t.equal(announce(answer, []), answer)
  t.same(announce(answer, ['203.0.113.7', '203.0.113.8']).split('\r\n'), [
    'v=0',
    'a=candidate:1 1 UDP 2114977791 203.0.113.7 40000 typ host',
    'a=candidate:1 1 UDP 2114977791 203.0.113.8 40000 typ host',
    'a=candidate:3 1 UDP 1678769919 198.51.100.1 40001 typ srflx raddr 0.0.0.0 rport 0',
    'a=end-of-candidates',
    '',
  ])
  t.end()
})
