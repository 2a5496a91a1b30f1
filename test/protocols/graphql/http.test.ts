import { request as httpRequest } from 'node:http'
import { type Test, test } from 'tap'
import { securityHeaders } from '../../../src/contract/security-headers.ts'
import { build, listen } from '../../helper.ts'

const json = { 'content-type': 'application/json' }
const query = '{ getUser(id: 1) { name } }'

async function open(t: Test, settings: Record<string, string> = {}) {
  const { app } = await build(t, settings)
  return (payload: string | Buffer, headers: Record<string, string> = json) =>
    app.inject({ method: 'POST', url: '/graphql', payload, headers })
}

test('a body is JSON in UTF-8, judged as that of any operation', async (t) => {
  const post = await open(t)
  const body = JSON.stringify({ query })
  for (const type of ['application/json', 'application/json;charset=UTF-8', 'Application/JSON; charset="utf-8"']) {
    t.match((await post(body, { 'content-type': type })).json(), { data: { getUser: { name: 'Mohamed' } } }, type)
  }
  for (const type of ['text/plain', 'application/json; charset=latin1', 'application/graphql', 'application/jsonp']) {
    const refused = await post(body, { 'content-type': type })
    t.equal(refused.statusCode, 415, type)
    t.match(refused.json(), { errors: [{ extensions: { code: 'BAD_REQUEST' } }] })
  }
  for (const wrong of [
    '{',
    '',
    `{"query":"${query}","__proto__":{"a":1}}`,
    `{"query":"${query}","variables":{"constructor":{"prototype":{}}}}`,
    Buffer.from(`{"query":"{ getUser(id: 1) { name } } # \xff"}`, 'latin1'),
  ]) {
    const refused = await post(wrong)
    t.equal(refused.statusCode, 400, String(wrong))
    t.match(refused.json(), { errors: [{ message: /not valid JSON/, extensions: { code: 'BAD_REQUEST' } }] })
  }
})

test('answers have the headers that protect all others', async (t) => {
  const post = await open(t)
  for (const body of [JSON.stringify({ query }), '{', '{}']) {
    const { headers, payload } = await post(body)
    t.match(headers, { ...securityHeaders, 'content-type': 'application/json; charset=utf-8' })
    t.equal(headers['content-length'], String(Buffer.byteLength(payload)))
  }
})

test('a body longer than BODY_LIMIT is refused, whether it says so or not, and its connection closed', async (t) => {
  const { base } = await listen(t, { BODY_LIMIT: '1024' })
  const post = (body: string, headers: Record<string, string>) =>
    new Promise<{ status: number | undefined; connection: string | undefined }>((resolve, reject) => {
      const request = httpRequest(`${base}/graphql`, { method: 'POST', headers: { ...json, ...headers } }, (answer) => {
        answer.resume()
        resolve({ status: answer.statusCode, connection: answer.headers.connection })
      })
      request.on('error', reject)
      request.write(body.slice(0, 700))
      request.end(body.slice(700))
    })
  const long = JSON.stringify({ query: query.padEnd(1100) })
  const short = JSON.stringify({ query: query.padEnd(900) })
  for (const headers of [(text: string) => ({ 'content-length': String(text.length) }), () => ({})]) {
    t.match(await post(short, headers(short)), { status: 200, connection: 'keep-alive' })
    t.match(await post(long, headers(long)), { status: 413, connection: 'close' })
  }
})

test('what refuses other requests at the door refuses those of GraphQL', async (t) => {
  const post = await open(t)
  const refused = await post(JSON.stringify({ query }), { ...json, host: 'rebound.example.com' })
  t.equal(refused.statusCode, 421)
  t.equal(refused.json().code, 'misdirected-request')
})

test('a failure of the server is an error with a code, whose cause stays in the log', async (t) => {
  const { app, logs } = await build(t)
  app.graphql.answer = () => {
    throw new Error('a secret cause')
  }
  const failed = await app.inject({ method: 'POST', url: '/graphql', payload: { query } })
  t.equal(failed.statusCode, 500)
  t.match(failed.json(), { errors: [{ extensions: { code: 'INTERNAL_SERVER_ERROR' } }] })
  t.notMatch(failed.body, 'secret')
  await new Promise((resolve) => setTimeout(resolve, 50))
  t.match(JSON.stringify(logs()), 'a secret cause')
})

test('what a browser on an allowed origin asks is answered to it', async (t) => {
  const post = await open(t, { CORS_ORIGINS: 'https://app.example.com' })
  const { headers } = await post(JSON.stringify({ query }), { ...json, origin: 'https://app.example.com' })
  t.equal(headers['access-control-allow-origin'], 'https://app.example.com')
})
