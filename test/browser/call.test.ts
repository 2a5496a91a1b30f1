import { test } from 'tap'
import { raw, until } from '../storage/setup.ts'
import { openCall, patience } from './call-setup.ts'
import { skip } from './chromium.ts'

/** A candidate may be met before it is heard of. */
const direct = { local: /host|prflx/, remote: /host|prflx/ }
const shots = process.env.SCREENSHOTS

test('two pages hold a call; one is loaded again, and has its place', { skip }, async (t) => {
  const { app, base, room, callers, ask, admin } = await openCall(t)
  const [ann, ben] = callers
  await ann.join(base, room)
  await ben.join(base, room)
  t.match(await ann.flows(), direct, 'sound and picture reach the first')
  t.match(await ben.flows(), direct, 'and the second')
  if (shots) await ann.page.screenshot({ path: `${shots}/call-ann.png` })
  if (shots) await ben.page.screenshot({ path: `${shots}/call-ben.png` })

  const before = await ben.member()
  await ben.page.reload()
  await ben.page.waitForSelector('#leave:enabled')
  t.match(await ben.member(), { id: before.id, order: before.order, joins: 2 }, 'the same place')
  await Promise.all([ann.flows(), ben.flows()])
  t.equal(await ann.page.evaluate('call.peers.size'), 1, 'the first has one connection, and no dead one')
  if (shots) await ann.page.screenshot({ path: `${shots}/call-again.png` })

  const { json } = await ask('GET', `/events?limit=100&types=room.signal&subject=/rooms/${room}`, { credential: admin })
  const offers = (json as { data: { from: string; data: string } }[])
    .filter(({ data }) => JSON.parse(data.data).description?.type === 'offer')
    .map(({ data }) => data.from)
  t.equal(new Set(offers).size, 1, 'who comes begins')

  await ben.page.click('#leave')
  await until(async () => (await ann.page.evaluate('call.peers.size')) === 0, 'the other is told', patience)
  t.equal(await ben.page.textContent('#status'), 'Not in a call: left')
  await app.rooms.rooms.end(room, { kind: 'user', id: 'user:1', scopes: new Set(), userId: ann.user.id })
  await ann.page.waitForSelector('#leave:disabled')
  t.equal(await ann.page.textContent('#status'), 'Not in a call: ended')
  for (const { complaints } of callers) t.same(complaints, [])
})

test('both offer at once, again and again: the polite one gives way, and the call goes on', { skip }, async (t) => {
  const { base, room, callers } = await openCall(t)
  const [ann, ben] = callers
  await ann.join(base, room)
  await ben.join(base, room)
  await Promise.all([ann.flows(), ben.flows()])
  const restart = `[...call.peers.values()][0].connection.restartIce()`
  const ufrag = `/ice-ufrag:(\\S+)/.exec([...call.peers.values()][0].connection.localDescription.sdp)[1]`
  const stable = `[...call.peers.values()][0].connection.signalingState === 'stable'`
  for (let round = 0; round < 5; round += 1) {
    const before = await Promise.all([ann.page.evaluate(ufrag), ben.page.evaluate(ufrag)])
    await Promise.all([ann.page.evaluate(restart), ben.page.evaluate(restart)])
    await until(
      async () => {
        const now = await Promise.all([ann.page.evaluate(ufrag), ben.page.evaluate(ufrag)])
        const both = await Promise.all([ann.page.evaluate(stable), ben.page.evaluate(stable)])
        return both.every(Boolean) && now.every((each, index) => each !== before[index])
      },
      'both begin ICE anew',
      patience,
    )
  }
  const flows = await Promise.all([ann.flows(), ben.flows()])
  t.match(flows, [{ state: 'connected' }, { state: 'connected' }])
  for (const { complaints } of callers) t.same(complaints, [])
})

test('signals that are no messages of the module are told of once each, and the call goes on', { skip }, async (t) => {
  const { base, room, callers } = await openCall(t)
  const [ann, ben] = callers
  await ann.join(base, room)
  await ben.join(base, room)
  await Promise.all([ann.flows(), ben.flows()])
  await ann.page.evaluate(
    `globalThis.told = []; call.addEventListener('error', ({ detail: { error } }) => told.push(error.name))`,
  )
  const [{ id: to }, { id: from }] = await Promise.all([ann.member(), ben.member()])
  for (const data of ['no JSON', 'null']) t.match(await ben.user.signal(room, from, to, data), { status: 204 })
  await ben.page.click('#leave')
  await until(async () => (await ann.page.evaluate('call.peers.size')) === 0, 'what came behind is heard', patience)
  t.same(await ann.page.evaluate('told'), ['SyntaxError', 'TypeError'])
})

test('a call that is left while it joins has no place, and keeps none in mind', { skip }, async (t) => {
  const { base, room, callers } = await openCall(t)
  const [{ page, user }] = callers
  await page.goto(`${base}/call`)
  for (const moment of ['/ice-servers', '/members']) {
    const closed = await page.evaluate(leavingDuring(moment, room, user.token))
    t.same(closed, ['left'], `while ${moment} is asked`)
    t.same(await user.get('GET', `/rooms/${room}/members`), { members: [] })
    t.equal(await page.evaluate(`sessionStorage.getItem('septet-room-${room}')`), null)
  }
})

/** Joins, leaves when the request to that path is on its way, and gives the reasons for which the call was closed. */
function leavingDuring(path: string, room: number, token: string): string {
  return `(async () => {
    const { Call } = await import('/rtc/call.js')
    const call = new Call({ room: ${room}, token: () => '${token}' })
    const reasons = []
    call.addEventListener('closed', ({ detail }) => reasons.push(detail.reason))
    const { fetch } = globalThis
    let leaving
    globalThis.fetch = (url, options) => {
      const answer = fetch(url, options)
      if (url.endsWith('${path}')) leaving ??= call.leave()
      return answer
    }
    await call.join().finally(() => Object.assign(globalThis, { fetch }))
    await leaving
    return reasons
  })()`
}

test('a page that was taken for gone takes another place; one whose place a further page has taken gives up', {
  skip,
}, async (t) => {
  const { app, base, room, callers } = await openCall(t)
  const [ann, ben] = callers
  await ann.join(base, room)
  await ben.join(base, room)
  await Promise.all([ann.flows(), ben.flows()])
  const before = await ben.member()
  const silent = raw(`update room_members set seen_at = '' where member = '${before.id}'`)
  const isElsewhere = async () => {
    if ((await ben.member()).id !== before.id) return true
    // Again: a last signal of his is a sign of life.
    await app.storage.engine.write([[silent, {}]])
    await app.rooms.members.sweep()
    return false
  }
  await until(isElsewhere, 'another place', patience)
  await Promise.all([ann.flows(), ben.flows()])
  t.equal(await ann.page.evaluate('call.peers.size'), 1)

  const { id } = await ben.member()
  await ben.user.join(room, id)
  await until(
    async () => (await ben.page.textContent('#status')) === 'Not in a call: replaced',
    'it gives up',
    patience,
  )
  // The browser itself says that a signal came too late for the place.
  for (const { complaints } of callers)
    t.same(
      complaints.filter((text) => !/status of 404/.test(text)),
      [],
    )
})
