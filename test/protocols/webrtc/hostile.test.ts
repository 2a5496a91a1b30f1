import { randomBytes } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { readdirSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Test, test } from 'tap'
import { listen } from '../../helper.ts'
import { settled } from '../../listening.ts'
import { Client, connect, peers } from './client.ts'

/** A server that waits for a channel no longer than a test does. */
async function serve(t: Test, connectFor = 15_000) {
  const server = await listen(t, { ACCESS_LOG: 'off' })
  server.app.webRtc.limits = { ...server.app.webRtc.limits, connectFor }
  return server
}

test('a peer that makes an offer and nothing else is dropped', async (t) => {
  const { app, base } = await serve(t, 200)
  const client = new Client(base)
  t.teardown(() => client.end())
  t.equal((await client.post(await client.offer())).status, 201)
  t.equal(app.webRtc.size, 1)
  await settled(t, () => app.webRtc.size, 0, 'it is gone')
  t.equal((await fetch(`${base}${client.location}`, { method: 'DELETE' })).status, 404)
})

test('a candidate that the library would not take ends nothing', async (t) => {
  const { app, base } = await serve(t)
  const client = new Client(base)
  t.teardown(() => client.end())
  const bad = ['9999999999 127.0.0.1 9', '0 127.0.0.1 9', '1 127.0.0.1 1e3', '1 127.0.0.1 65536'].map(
    (numbers) => `a=candidate:1 1 udp ${numbers} typ host\r\n`,
  )
  t.equal((await client.post(`${await client.offer()}${bad.join('')}`)).status, 201)
  // Candidates are tried half a second later.
  await sleep(800)
  t.equal(app.webRtc.size, 1)
  const headers = { 'content-type': 'application/trickle-ice-sdpfrag', 'if-match': client.etag }
  const body = `a=mid:0\r\n${bad.join('')}`
  t.equal((await fetch(`${base}${client.location}`, { method: 'PATCH', headers, body })).status, 204)
})

test('a peer whose certificate is another than it has said, or that takes the server for another, gets no channel', async (t) => {
  const { app, base } = await serve(t, 2000)
  const other = (sdp: string) =>
    sdp.replace(/(fingerprint:sha-256 (?:..:){31})(..)/, (_, head, last) => `${head}${last === '00' ? '01' : '00'}`)
  for (const change of [{ offer: other }, { answer: other }]) {
    const opened = connect(t, base, { change }).then(() => 'opened')
    t.equal(await Promise.race([opened, sleep(500)]), undefined)
    await settled(t, () => app.webRtc.size, 0, 'it is dropped')
  }
})

test('a peer that opens no channel, or others alone, is dropped', async (t) => {
  const { app, base } = await serve(t, 1000)
  await connect(t, base, { channels: { chat: {} } })
  await settled(t, () => app.webRtc.size, 0, 'it is gone')
})

test('datagrams that belong to nobody change nothing', async (t) => {
  const { base } = await serve(t)
  const client = new Client(base)
  t.teardown(() => client.end())
  const answer = await (await client.post(await client.offer())).text()
  const port = Number(/127\.0\.0\.1 (\d+) typ host/.exec(answer)?.[1])
  const opened = client.opened('json-rpc')
  client.tell({ type: 'answer', sdp: answer })
  await opened
  const socket = createSocket('udp4')
  t.teardown(() => socket.close())
  // The first byte says what a datagram is (RFC 7983): STUN, DTLS, or nothing that is known.
  for (const first of [0, 1, 20, 22, 23, 64, 128, 255])
    for (let count = 0; count < 200; count += 1) {
      const datagram = randomBytes(1 + Math.floor(Math.random() * 1200))
      datagram[0] = first
      socket.send(datagram, port, '127.0.0.1')
    }
  t.match(await client.call('getUser', { id: 1 }), { result: { id: 1 } })
})

test('a hundred that come and go leave nothing', async (t) => {
  const { app, base } = await serve(t)
  const descriptors = () => readdirSync('/proc/self/fd').length
  const round = async () => {
    const clients = await Promise.all(Array.from({ length: 20 }, () => connect(t, base)))
    await Promise.all(clients.map((client) => client.call('getUser', { id: 1 })))
    for (const client of clients) client.end()
    await settled(t, () => app.webRtc.size, 0, 'all are gone')
  }
  await round()
  await sleep(200)
  const before = descriptors()
  for (let count = 0; count < 4; count += 1) await round()
  // As many connections of HTTP may be kept open as clients ask at once: of eighty peers, each would leave one.
  await settled(t, () => Math.max(0, descriptors() - before - 20), 0, 'descriptors are closed')
  t.equal(app.webRtc.networks, 0)
})

test('a peer that vanishes is dropped', { timeout: 90_000 }, async (t) => {
  const { app, base } = await serve(t)
  const client = await connect(t, base)
  t.match(await client.call('getUser', { id: 1 }), { result: { id: 1 } })
  peers().kill('SIGKILL')
  // Without consent for 30 s (RFC 7675 section 5.1), a peer is gone.
  for (let tries = 0; app.webRtc.size > 0 && tries < 400; tries += 1) await sleep(100)
  t.equal(app.webRtc.size, 0)
})
