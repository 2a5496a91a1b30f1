import { once } from 'node:events'
import { type OutgoingHttpHeaders, request } from 'node:http'
import { text } from 'node:stream/consumers'
import { test } from 'tap'
import { listen } from '../helper.ts'

interface Reply {
  status: number | undefined
  body: string
}

/** Sends exactly these headers and no body; `fetch` would add and drop some. */
async function send(method: string, url: string, headers: OutgoingHttpHeaders): Promise<Reply> {
  const message = request(url, { method, headers, agent: false })
  message.end()
  const [response] = await once(message, 'response')
  return { status: response.statusCode, body: await text(response) }
}

for (const headers of [
  {},
  { 'content-length': '0' },
  { 'content-type': 'application/json' },
  { 'content-type': 'application/json', 'content-length': '0' },
  { 'content-type': 'application/json; charset=utf-8', 'content-length': '0' },
  { 'content-type': 'application/json', 'transfer-encoding': 'chunked' },
  { 'content-type': 'application/merge-patch+json', 'content-length': '0' },
]) {
  test(`DELETE without a body answers 204 to ${JSON.stringify(headers)}`, async (t) => {
    const { base } = await listen(t)
    t.strictSame(await send('DELETE', `${base}/users/1`, headers), { status: 204, body: '' })
    t.equal((await send('GET', `${base}/users/1`, headers)).status, 404)
  })
}

for (const method of ['POST', 'PUT', 'PATCH']) {
  test(`${method} without a body is told that it needs one`, async (t) => {
    const { base } = await listen(t)
    const path = method === 'POST' ? '/users' : '/users/1'
    const headers = { 'content-type': 'application/json', 'content-length': '0' }
    const { status, body } = await send(method, base + path, headers)
    t.equal(status, 400)
    t.match(JSON.parse(body), { code: 'validation-failed', errors: [{ in: 'body', pointer: '' }] })
  })
}
