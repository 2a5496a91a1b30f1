import { createSocket } from 'node:dgram'
import type { LookupAddress } from 'node:dns'
import { type Test, test } from 'tap'
import { publicResolver } from '../../src/outbound/resolve.ts'

const [typeA, typeAaaa] = [1, 28]

/** A name server on this machine (RFC 1035 section 4) that knows one name; gives its address. */
async function serveNames(t: Test, name: string): Promise<string> {
  const socket = createSocket('udp4')
  socket.on('message', (query, { port, address }) => {
    const end = query.indexOf(0, 12)
    const asked = labelsOf(query).join('.')
    const type = query.readUInt16BE(end + 1)
    const data = type === typeA ? [93, 184, 216, 34] : [0x2a, 0, ...Array.from({ length: 13 }, () => 0), 1]
    const isKnown = asked === name && (type === typeA || type === typeAaaa)
    const header = Buffer.from(query.subarray(0, 12))
    header.writeUInt16BE(isKnown ? 0x8180 : 0x8183, 2)
    header.writeUInt16BE(isKnown ? 1 : 0, 6)
    header.writeUInt16BE(0, 8)
    header.writeUInt16BE(0, 10)
    const answer = Buffer.from([0xc0, 12, 0, type, 0, 1, 0, 0, 0, 60, 0, data.length, ...data])
    socket.send(Buffer.concat([header, query.subarray(12, end + 5), ...(isKnown ? [answer] : [])]), port, address)
  })
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve))
  t.teardown(() => socket.close())
  return `127.0.0.1:${socket.address().port}`
}

test('a public name has the addresses of both families, and an unknown one has none', async (t) => {
  const resolve = publicResolver([await serveNames(t, 'example.com')])
  const look = (host: string) =>
    new Promise<LookupAddress[] | Error>((done) => {
      resolve(host, { all: true }, (error, addresses) => done(error ?? addresses))
    })
  t.same(await look('example.com'), [
    { address: '93.184.216.34', family: 4 },
    { address: '2a00::1', family: 6 },
  ])
  t.match(await look('unknown.example'), { code: 'ENOTFOUND' })
})

/** Of the name that is asked for: each is its length and its letters. */
function labelsOf(query: Buffer): string[] {
  const labels: string[] = []
  for (let at = 12; query[at]; at += (query[at] ?? 0) + 1) {
    labels.push(query.toString('latin1', at + 1, at + 1 + (query[at] ?? 0)))
  }
  return labels
}
