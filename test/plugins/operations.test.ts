import { test } from 'tap'
import { build, listen } from '../helper.ts'

test('health tells whether the process runs and whether it should get requests', async (t) => {
  const { app } = await build(t)
  t.same((await app.inject('/health/live')).json(), { status: 'live' })
  t.same((await app.inject('/health/ready')).json(), { status: 'ready' })
})

test('a database that does not answer makes the server unready, not dead', async (t) => {
  const { app } = await build(t, { DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none' }).catch((error: unknown) => ({
    app: error as Error,
  }))
  t.ok(app instanceof Error, 'a start without its database fails')
  t.match((app as Error).message, /cannot be reached/)
})

test('metrics count requests by wire, route pattern, method and status', async (t) => {
  const { app } = await build(t)
  await app.inject('/users/1')
  await app.inject('/users/99')
  await app.inject('/nothing/here')
  await app.inject({
    method: 'POST',
    url: '/graphql',
    payload: { query: '{ a: getUser(id: 1) { id } b: getUser(id: 2) { id } }' },
  })
  const { body, headers } = await app.inject('/metrics')
  t.match(headers['content-type'], /^text\/plain/)
  t.match(body, 'http_request_duration_seconds_count{wire="rest",method="GET",route="/users/:id",status="200"} 1')
  t.match(body, 'http_request_duration_seconds_count{wire="rest",method="GET",route="/users/:id",status="404"} 1')
  t.match(body, 'http_request_duration_seconds_count{wire="rest",method="ANY",route="none",status="404"} 1')
  t.match(body, 'http_request_duration_seconds_count{wire="graphql",method="GET",route="/users/:id",status="200"} 2')
  t.match(body, 'process_resident_memory_bytes')
})

test('each request logs one line with its id and without its query', async (t) => {
  const { app, logs } = await build(t)
  await app.inject({ url: '/users?name=secret', headers: { 'x-request-id': 'given-1' } })
  await app.inject({ url: '/us"ers', headers: { 'x-request-id': 'bad id\u00e9' } })
  const [first, second] = logs().filter(({ msg }) => msg === 'request')
  t.match(first, {
    level: 30,
    reqId: 'given-1',
    method: 'GET',
    path: '/users',
    status: 200,
    ms: Number,
    ip: '127.0.0.1',
  })
  t.match(second, { path: '/us%22ers', status: 404 })
  t.not(second?.reqId, 'bad id\u00e9')
  t.notMatch(JSON.stringify(logs()), /secret/)
})

test('ACCESS_LOG=errors logs failures only, off nothing', async (t) => {
  for (const [setting, expected] of [
    ['errors', 1],
    ['off', 0],
  ] as const) {
    const { app, logs } = await build(t, { ACCESS_LOG: setting })
    await app.inject('/users')
    await app.inject('/nothing')
    t.equal(logs().filter(({ msg }) => msg === 'request').length, expected, setting)
  }
})

test('LOG_LEVEL=silent is silent', async (t) => {
  const { app, logs } = await build(t, { LOG_LEVEL: 'silent' })
  await app.inject('/users')
  t.same(logs(), [])
})

test('secrets are not written to the log, nor is the cause of an internal error sent', async (t) => {
  const { app, logs } = await build(t)
  app.log.info(
    {
      headers: { authorization: 'Bearer s3cret', 'x-api-key': 's3cret' },
      user: { password: 's3cret' },
      token: 's3cret',
    },
    'x',
  )
  t.notMatch(JSON.stringify(logs()), /s3cret/)
  await app.storage.engine.close()
  const response = await app.inject({ url: '/users/2', headers: { 'x-request-id': 'r-1' } })
  t.equal(response.statusCode, 500)
  t.match(response.json(), { code: 'internal', detail: 'Something went wrong', requestId: 'r-1' })
  const line = logs().find(({ level }) => level === 50)
  t.equal(line?.reqId, 'r-1')
  t.match(JSON.stringify(line), /database connection is not open/)
})

test('every answer carries the security headers, the documentation page its own policy', async (t) => {
  const { app } = await build(t)
  for (const url of ['/users', '/nothing', '/health/live']) {
    const { headers } = await app.inject(url)
    t.equal(headers['x-content-type-options'], 'nosniff', url)
    t.match(headers['content-security-policy'], /default-src 'none'/, url)
  }
  t.match((await app.inject('/docs')).headers['content-security-policy'] ?? '', /script-src/)
})

test('CORS is off without its setting and limited to the configured origins with it', async (t) => {
  const preflight = {
    method: 'OPTIONS',
    url: '/users',
    headers: { 'access-control-request-method': 'POST', origin: 'https://app.example' },
  } as const
  const off = await build(t)
  t.equal((await off.app.inject(preflight)).headers['access-control-allow-origin'], undefined)
  const on = await build(t, { CORS_ORIGINS: 'https://app.example, https://b.example' })
  t.equal((await on.app.inject(preflight)).headers['access-control-allow-origin'], 'https://app.example')
  const other = { ...preflight, headers: { ...preflight.headers, origin: 'https://evil.example' } }
  t.not((await on.app.inject(other)).headers['access-control-allow-origin'], 'https://evil.example')
  t.match(
    (await on.app.inject({ url: '/users', headers: { origin: 'https://app.example' } })).headers[
      'access-control-expose-headers'
    ],
    /ETag/,
  )
})

test('a process that is late answers 503 with Retry-After, but says that it lives', async (t) => {
  const { base } = await listen(t, { MAX_EVENT_LOOP_DELAY: '50' })
  const block = (ms: number) => {
    const end = performance.now() + ms
    while (performance.now() < end);
  }
  const statuses: number[] = []
  for (let n = 0; n < 12 && !statuses.includes(503); n++) {
    block(300)
    const response = await fetch(`${base}/users`)
    statuses.push(response.status)
    if (response.status === 503) {
      t.equal(response.headers.get('retry-after'), '1')
      t.equal(response.headers.get('content-type'), 'application/problem+json')
      t.equal(response.headers.get('x-content-type-options'), 'nosniff')
      t.match(await response.json(), { code: 'unavailable' })
      t.equal((await fetch(`${base}/health/live`)).status, 200)
    }
  }
  t.ok(statuses.includes(503))
  await new Promise((resolve) => setTimeout(resolve, 700))
  t.equal((await fetch(`${base}/users`)).status, 200, 'it recovers by itself')
})

test('HEAD is answered as GET without a body', async (t) => {
  const { app } = await build(t)
  const { statusCode, headers, body } = await app.inject({ method: 'HEAD', url: '/users/1' })
  t.equal(statusCode, 200)
  t.equal(headers.etag, '"1"')
  t.equal(body, '')
})
