import { test } from 'tap'
import { listen } from '../../helper.ts'
import { connect } from './client.ts'

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
})
