import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { test } from 'tap'
import { listen } from '../../helper.ts'
import { adminKeyOf, makeKey } from '../../keys.ts'
import { settled } from '../../listening.ts'
import { Client, connect } from './client.ts'

test('an offer is answered, and a channel of it carries calls', async (t) => {
  const { app, base, logs } = await listen(t)
  const client = await connect(t, base)
  t.match(await client.call('getUser', { id: 1 }), { result: { id: 1, name: 'Mohamed' }, meta: { etag: '"1"' } })
  t.equal(app.webRtc.size, 1)
  t.match((await app.inject('/metrics')).body, /^webrtc_peers 1$/m)
  await new Promise((resolve) => setTimeout(resolve, 150))
  t.match(
    logs().findLast(({ wire }) => wire !== undefined),
    { path: '/users/1', status: 200, wire: 'webrtc', ip: '127.0.0.1' },
  )
  t.match(
    logs().findLast(({ path }) => path === '/rtc'),
    { method: 'POST', status: 201, ip: '127.0.0.1' },
  )
  client.tell({ type: 'close' })
  await settled(t, () => app.webRtc.size, 0, 'a peer that says so is gone at once')
  t.equal(app.webRtc.networks, 0)
})

test('the answer is as WHIP has it', async (t) => {
  const { base } = await listen(t)
  const client = new Client(base)
  t.teardown(() => client.end())
  const answer = await client.post(await client.offer(), { 'content-type': 'Application/SDP; charset=utf-8' })
  t.equal(answer.status, 201)
  t.match(Object.fromEntries(answer.headers), {
    'content-type': 'application/sdp',
    location: /^\/rtc\/[\w-]{22}$/,
    etag: /^"[\w-]+"$/,
    'accept-patch': 'application/trickle-ice-sdpfrag',
    'cache-control': 'no-store',
  })
  const sdp = await answer.text()
  t.match(sdp, /^v=0\r\n/)
  t.match(sdp, /\r\na=candidate:\S+ 1 UDP \d+ 127\.0\.0\.1 \d+ typ host\r\n/, 'it is bound to HOST')
  t.notMatch(sdp, /candidate:\S+ 1 UDP \d+ (?!127\.0\.0\.1)/, 'and to nothing else')
})

test('what is no offer of data channels is refused', async (t) => {
  const { app, base } = await listen(t)
  const client = new Client(base)
  t.teardown(() => client.end())
  const offer = await client.offer()
  const wrong: [status: number, sdp: string, headers?: Record<string, string>][] = [
    [400, ''],
    [400, 'hello'],
    [400, offer.replace('v=0', 'x=0')],
    [400, offer.replace('m=application', 'm=audio')],
    [400, `${offer}m=video 9 UDP/TLS/RTP/SAVPF 96\r\n`],
    [400, offer.replace(/a=ice-ufrag:.*\r\n/, '')],
    [400, offer.replace(/a=ice-pwd:.*\r\n/, 'a=ice-pwd:short\r\n')],
    [400, offer.replace(/a=fingerprint:.*\r\n/, 'a=fingerprint:md5 00\r\n')],
    [400, offer.replace(/a=max-message-size:\d+/, 'a=max-message-size:100')],
    [401, offer, { 'x-api-key': 'wrong' }],
    [413, `${offer}${'a=x\r\n'.repeat(20_000)}`],
    [415, offer, { 'content-type': 'application/json' }],
    [415, offer, { 'content-type': 'application/trickle-ice-sdpfrag' }],
    [421, offer, { host: 'evil.example' }],
  ]
  for (const [status, sdp, headers] of wrong) {
    const answer = headers?.host
      ? await app.inject({ method: 'POST', url: '/rtc', headers: { 'content-type': 'application/sdp', ...headers } })
      : await client.post(sdp, headers)
    t.equal('statusCode' in answer ? answer.statusCode : answer.status, status, sdp.slice(0, 40))
  }
  t.equal(app.webRtc.size, 0)
  const got = await fetch(`${base}/rtc`)
  t.equal(got.status, 405)
  t.match(got.headers.get('allow'), /POST/)
})

test('a credential in the offer, in a message, or in one call opens what it does over REST', async (t) => {
  const { app, base, folder } = await listen(t, { ANONYMOUS_SCOPES: 'events:read' })
  const { key, id } = await makeKey(app, adminKeyOf(folder), ['users:read'])
  const byOffer = await connect(t, base, { headers: { 'x-api-key': key } })
  t.match(await byOffer.call('getUser', { id: 1 }), { result: { id: 1 } })
  const browser = await connect(t, base)
  t.match(await browser.call('getUser', { id: 1 }), { error: { code: -32001, data: { status: 401 } } })
  t.match(await browser.call('getUser', { id: 1 }, { meta: { authorization: `Bearer ${key}` } }), { result: { id: 1 } })
  t.match(await browser.call('authenticate', { token: key }), { result: { kind: 'api-key', id: `api-key:${id}` } })
  t.match(await browser.call('getUser', { id: 1 }), { result: { id: 1 } })
  t.match(await browser.call('deleteUser', { id: 1 }), { error: { code: -32003, data: { detail: /users:write/ } } })
  await app.inject({ method: 'DELETE', url: `/keys/${id}`, headers: { 'x-api-key': adminKeyOf(folder) } })
  for (const client of [browser, byOffer])
    t.match(await client.call('getUser', { id: 1 }), { error: { code: -32001 } }, 'a channel outlives no revocation')
})

test('candidates that a peer finds later are tried', async (t) => {
  const { base } = await listen(t)
  const client = new Client(base)
  t.teardown(() => client.end())
  const offer = await client.offer()
  const candidates = offer.split('\r\n').filter((line) => line.startsWith('a=candidate:'))
  const without = (sdp: string) => sdp.replaceAll(/a=(candidate:.*|end-of-candidates)\r\n/g, '')
  const answer = await client.post(without(offer))
  // Neither knows the other's address.
  client.tell({ type: 'answer', sdp: without(await answer.text()) })
  const opened = once(client, 'open')
  const patch = (body: string, headers: object = {}) =>
    fetch(`${base}${client.location}`, {
      method: 'PATCH',
      headers: { 'content-type': 'application/trickle-ice-sdpfrag', 'if-match': client.etag, ...headers },
      body,
    })
  const own = offer.split('\r\n').filter((line) => /^a=ice-(ufrag|pwd):/.test(line))
  const fragment = [...own, 'm=application 9 UDP/DTLS/SCTP webrtc-datachannel', 'a=mid:0', ...candidates, ''].join(
    '\r\n',
  )
  t.equal((await patch(fragment, { 'if-match': '"other"' })).status, 412)
  t.equal((await patch(fragment, { 'content-type': 'application/sdp' })).status, 415)
  t.equal((await patch('hello')).status, 400)
  const done = await patch(fragment)
  t.equal(done.status, 204)
  t.equal(done.headers.get('etag'), null)
  await opened
  t.match(await client.call('getUser', { id: 1 }), { result: { id: 1 } })
})

test('a fragment without If-Match is refused, and one that restarts ICE, as WHIP has it; the session stays', async (t) => {
  const { base } = await listen(t)
  const client = await connect(t, base)
  const patch = async (body: string, ifMatch?: string) => {
    const answer = await fetch(`${base}${client.location}`, {
      method: 'PATCH',
      headers: { 'content-type': 'application/trickle-ice-sdpfrag', ...(ifMatch && { 'if-match': ifMatch }) },
      body,
    })
    const text = await answer.text()
    return [answer.status, answer.headers.get('content-type'), text === '' ? undefined : JSON.parse(text)]
  }
  const problem = 'application/problem+json'
  const restart = 'a=ice-ufrag:ysXw\r\na=ice-pwd:vw5LmwG4y/e6dPP/zAP9Gp5k\r\n'
  const blank = { type: 'about:blank', requestId: String }
  t.match(await patch(restart, '*'), [422, problem, { ...blank, status: 422, title: 'Unprocessable Content' }])
  t.match(await patch(restart, client.etag), [422, problem, { status: 422 }])
  t.match(await patch('a=ice-ufrag:ysXw\r\n', client.etag), [422, problem, { status: 422 }])
  t.match(await patch('a=mid:0\r\n'), [428, problem, { ...blank, status: 428, title: 'Precondition Required' }])
  t.match(await patch('hello'), [400, problem, { code: 'malformed-request' }])
  t.match(await patch(restart, '"other"'), [412, problem, { code: 'precondition-failed' }])
  t.match(await patch('a=mid:0\r\n', `W/${client.etag}`), [412, problem, { code: 'precondition-failed' }])
  for (const ifMatch of [client.etag, '*', `"other", ${client.etag}`])
    t.same(await patch('a=mid:0\r\n', ifMatch), [204, null, undefined])
  t.match(await client.call('getUser', { id: 1 }), { result: { id: 1 } })
})

test('a peer is ended by whoever has made its offer, and nobody else', async (t) => {
  const { app, base, folder } = await listen(t)
  const { key } = await makeKey(app, adminKeyOf(folder), ['users:read'])
  const client = await connect(t, base, { headers: { 'x-api-key': key } })
  const end = (headers: Record<string, string>) => fetch(`${base}${client.location}`, { method: 'DELETE', headers })
  t.equal((await end({})).status, 404)
  t.equal((await end({ 'x-api-key': adminKeyOf(folder) })).status, 404)
  t.match(await client.call('getUser', { id: 1 }), { result: { id: 1 } })
  const closed = client.closed()
  t.equal((await end({ 'x-api-key': key })).status, 200)
  await closed
  t.equal(app.webRtc.size, 0)
  t.equal((await end({ 'x-api-key': key })).status, 404)
})

test('more peers than an address or the server may have are refused', async (t) => {
  const { base } = await listen(t, { MAX_CONNECTIONS_PER_ADDRESS: '1' })
  const first = await connect(t, base)
  const other = new Client(base)
  t.teardown(() => other.end())
  const offer = await other.offer()
  const refused = await other.post(offer)
  t.equal(refused.status, 429)
  t.equal(refused.headers.get('retry-after'), '5')
  await fetch(`${base}${first.location}`, { method: 'DELETE' })
  t.equal((await other.post(offer)).status, 201)
  const few = await listen(t, { MAX_CONNECTIONS: '1' })
  await connect(t, few.base)
  const late = new Client(few.base)
  t.equal((await late.post(offer)).status, 503)
})

test('all peers share one port where there is one', async (t) => {
  const { base } = await listen(t, { RTC_PORTS: '25123' })
  const clients = await Promise.all([connect(t, base), connect(t, base), connect(t, base)])
  for (const client of clients) t.match(await client.call('getUser', { id: 1 }), { result: { id: 1 } })
  const last = new Client(base)
  t.teardown(() => last.end())
  t.match(await (await last.post(await last.offer())).text(), /candidate:\S+ 1 UDP \d+ 127\.0\.0\.1 25123 typ host/)
})

test('each peer has a port of the range; where none is left, or another has it, a further peer is refused', async (t) => {
  const taken = createSocket('udp4')
  t.teardown(() => taken.close())
  taken.bind(25_132, '127.0.0.1')
  await once(taken, 'listening')
  const { base } = await listen(t, { RTC_PORTS: '25130-25132' })
  const clients = [await connect(t, base), await connect(t, base)]
  for (const client of clients) t.match(await client.call('getUser', { id: 1 }), { result: { id: 1 } })
  const late = new Client(base)
  t.teardown(() => late.end())
  const offer = await late.offer()
  for (let time = 0; time < 3; time += 1) {
    const refused = await late.post(offer)
    t.match([refused.status, refused.headers.get('retry-after')], [503, '5'])
  }
  t.match(await clients[0]?.call('getUser', { id: 1 }), { result: { id: 1 } }, 'and the others stay')
  await fetch(`${base}${clients[0]?.location}`, { method: 'DELETE' })
  let answer = await late.post(offer)
  while (answer.status === 503) answer = await late.post(offer)
  t.match(await answer.text(), /127\.0\.0\.1 2513[01] typ host/)
})

test('where nobody may call anything without a credential, an offer needs one', async (t) => {
  const { base, app } = await listen(t, { ANONYMOUS_SCOPES: 'none' })
  const client = new Client(base)
  t.teardown(() => client.end())
  const offer = await client.offer()
  t.equal((await client.post(offer)).status, 401)
  t.equal((await client.post(offer, { 'x-api-key': app.apiKeys.first ?? '' })).status, 201)
})

test('a stop answers what is under way, says that it is going, and takes no more offers', async (t) => {
  const { app, base } = await listen(t)
  const client = await connect(t, base)
  const closed = client.closed()
  const create = client.call('createUser', { name: 'Zoe', email: 'zoe@example.com' })
  t.match(await create, { result: { name: 'Zoe' } })
  const closing = app.close()
  t.match(await closed, { code: 1001, reason: 'the server is stopping' })
  await closing
  t.equal(app.webRtc.size, 0)
})
