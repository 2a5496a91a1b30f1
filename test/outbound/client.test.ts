import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Test, test } from 'tap'
import { NoAnswer, OutboundClient } from '../../src/outbound/client.ts'
import { OutboundGuard } from '../../src/outbound/guard.ts'
import type { Resolve } from '../../src/outbound/resolve.ts'

async function listen(t: Test, handler: RequestListener): Promise<number> {
  const server = createServer(handler)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

/** Names lead to these addresses, one after another. */
function leadingTo(...addresses: string[]): Resolve & { asked: number } {
  const resolve = ((_host, _options, done) => {
    const address = addresses[resolve.asked++] ?? addresses.at(-1) ?? ''
    done(null, [{ address, family: 4 }])
  }) as Resolve & { asked: number }
  resolve.asked = 0
  return resolve
}

function clientOf(t: Test, allowed: string[], resolve?: Resolve, timeout = 2000) {
  const client = new OutboundClient(new OutboundGuard(allowed, resolve), timeout)
  t.teardown(() => client.close())
  return (url: string, signal = new AbortController().signal) =>
    client.post({ url, headers: { 'content-type': 'text/plain' }, body: 'hello', signal })
}

test('a call gives status, the beginning of the answer as text, and what it says of a retry', async (t) => {
  const port = await listen(t, (request, reply) => {
    request.resume().on('end', () => {
      reply.writeHead(503, { 'retry-after': '7' })
      reply.end(Buffer.concat([Buffer.from('a\0b\xff', 'latin1'), Buffer.alloc(5000, 'é')]))
    })
  })
  const post = clientOf(t, ['127.0.0.1'])
  const answer = await post(`http://127.0.0.1:${port}/`)
  t.match(answer, { status: 503, retryAfter: '7' })
  t.ok(answer.excerpt.startsWith('a\ufffdb\ufffdéé'))
  t.ok(Buffer.byteLength(answer.excerpt) <= 1100)
})

test('a redirect is an answer like others, and is not followed', async (t) => {
  let calls = 0
  const port = await listen(t, (_, reply) => {
    calls += 1
    reply.writeHead(307, { location: '/elsewhere' }).end()
  })
  t.match(await clientOf(t, ['127.0.0.1'])(`http://127.0.0.1:${port}/`), { status: 307 })
  t.equal(calls, 1)
})

test('a connection is made to the address that was judged, whatever the name says a moment later', async (t) => {
  const port = await listen(t, (_, reply) => reply.end('here'))
  const rebinding = leadingTo('127.0.0.1', '10.0.0.1')
  const answer = await clientOf(t, ['127.0.0.1'], rebinding)(`http://example.com:${port}/`)
  t.match(answer, { status: 200, excerpt: 'here' })
  t.equal(rebinding.asked, 1)
})

test('no connection is made to an address that is refused, by name or by itself', async (t) => {
  let calls = 0
  const port = await listen(t, (_, reply) => {
    calls += 1
    reply.end()
  })
  const post = clientOf(t, [], leadingTo('127.0.0.1'))
  for (const host of ['example.com', '127.0.0.1', '[::1]', '[::ffff:127.0.0.1]', '0x7f.1', 'localhost'])
    await t.rejects(post(`http://${host}:${port}/`), { name: 'NoAnswer', message: /may not be called/ }, host)
  t.equal(calls, 0)
})

test('what gives no answer says why, without an address', async (t) => {
  const port = await listen(t, (request, reply) => {
    if (request.url === '/slow') return
    if (request.url === '/drip') {
      reply.writeHead(200)
      const timer = setInterval(() => reply.write('.'), 20)
      reply.on('close', () => clearInterval(timer))
      return
    }
    request.socket.destroy()
  })
  const post = clientOf(t, ['127.0.0.1'], undefined, 300)
  const base = `http://127.0.0.1:${port}`
  await t.rejects(post(`${base}/slow`), new NoAnswer('There was no answer in time'))
  await t.rejects(post(`${base}/drip`), new NoAnswer('There was no answer in time'), 'nor one that never ends')
  await t.rejects(post(`${base}/broken`), new NoAnswer('The connection broke'))
  await t.rejects(post('http://127.0.0.1:9/'), new NoAnswer('The connection was refused'))
  await t.rejects(post(`https://127.0.0.1:${port}/`), new NoAnswer('The certificate or TLS is not good'))
  await t.rejects(post(`${base}/slow`, AbortSignal.abort()), NoAnswer, 'nor what was cut off')
})

test('an answer without an end is cut off when enough of it was read', async (t) => {
  let sent = 0
  const port = await listen(t, (_, reply) => {
    const more = () => {
      while (!reply.destroyed && sent < 50_000_000 && reply.write(Buffer.alloc(16_384, 'x'))) sent += 16_384
    }
    reply.writeHead(200).on('drain', more)
    more()
  })
  const answer = await clientOf(t, ['127.0.0.1'])(`http://127.0.0.1:${port}/`)
  t.equal(answer.excerpt, 'x'.repeat(1024))
  t.ok(sent < 50_000_000)
})
