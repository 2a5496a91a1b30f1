import { test } from 'tap'
import { listen } from '../helper.ts'
import { skip, startChromium } from './chromium.ts'

/** As the README shows it: what a page needs to call over a data channel. */
const script = (key: string) => `(async () => {
  const peer = new RTCPeerConnection()
  const channel = peer.createDataChannel('json-rpc')
  const opened = new Promise((resolve) => { channel.onopen = resolve })
  await peer.setLocalDescription()
  const answer = await fetch('/rtc', {
    method: 'POST',
    headers: { 'content-type': 'application/sdp', 'x-api-key': '${key}' },
    body: peer.localDescription.sdp,
  })
  await peer.setRemoteDescription({ type: 'answer', sdp: await answer.text() })
  await opened
  const waiting = new Map()
  channel.onmessage = ({ data }) => {
    const message = JSON.parse(data)
    waiting.get(message.id)?.(message)
  }
  let count = 0
  const call = (method, params) => new Promise((resolve) => {
    waiting.set(++count, resolve)
    channel.send(JSON.stringify({ jsonrpc: '2.0', id: count, method, params }))
  })
  const person = { name: 'Zoe', email: 'zoe@example.com' }
  const answers = []
  answers.push(await call('listUsers', {}))
  answers.push(await call('createUser', person))
  const { id } = answers.at(-1).result
  answers.push(await call('getUser', { id }))
  answers.push(await call('findUser', { id }))
  answers.push(await call('replaceUser', { id, ...person, name: 'Ann' }))
  answers.push(await call('updateUser', { id, name: 'Eve' }))
  answers.push(await call('deleteUser', { id }))
  answers.push(await call('getUser', { id }))
  answers.push(await call('getMe', {}))
  const ended = new Promise((resolve) => { channel.onclose = resolve })
  await fetch(answer.headers.get('location'), { method: 'DELETE', headers: { 'x-api-key': '${key}' } })
  await ended
  return answers
})()`

test('a page calls every operation of users over a data channel', { skip }, async (t) => {
  const { app, base } = await listen(t)
  const browser = await startChromium(t)
  const page = await (await browser.newContext()).newPage()
  await page.goto(`${base}/graphiql`)
  const answers = await page.evaluate<object[]>(script(app.apiKeys.first ?? ''))
  const zoe = { id: 3, name: 'Zoe', email: 'zoe@example.com' }
  t.match(answers, [
    { result: { items: [{ name: 'Mohamed' }, { name: 'Ali' }], nextCursor: null } },
    { result: zoe, meta: { location: '/users/3', etag: '"1"' } },
    { result: zoe, meta: { etag: '"1"' } },
    { result: zoe },
    { result: { ...zoe, name: 'Ann' } },
    { result: { ...zoe, name: 'Eve' } },
    { result: null },
    { error: { code: -32004, data: { status: 404 } } },
    { result: { kind: 'api-key', scopes: ['admin'] } },
  ])
  t.equal(app.webRtc.size, 0)
})
