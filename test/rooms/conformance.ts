/** What rooms must do over every engine. */

import type { FastifyInstance } from 'fastify'
import root, { test } from 'tap'
import { listen } from '../helper.ts'
import { connect } from '../protocols/websocket/client.ts'
import { raw } from '../storage/setup.ts'
import { limits } from './limits.ts'
import { meet, memberSettings, openRooms, type RoomEvent, toldOf, type User } from './room-setup.ts'

export interface Over {
  engine: string
  settings: Record<string, string>
  /** Whether several processes may share the database. */
  shared: boolean
}

const longAgo = '2020-01-01T00:00:00.000Z'
const typesOf = (events: readonly RoomEvent[]) => events.map(({ type }) => type)
const statusesOf = (answers: readonly { status: number }[]) => answers.map(({ status }) => status).sort()

export async function rooms({ engine, settings, shared }: Over): Promise<void> {
  const sharing = { PUBLIC_URL: 'https://api.example.com', ...settings }
  const { app, ask, admin, ann, ben, cem } = await openRooms(root, sharing)
  const second = shared ? await listen(root, { ...memberSettings, NODE_ENV: 'test', ...sharing }) : undefined
  const processes = [app, second?.app ?? app] as const
  const change = async (sql: string) => void (await app.storage.engine.write([[raw(sql), {}]]))
  const told = async (user: User, room: number) => {
    while (await app.events.log.order()) {}
    return toldOf(user, room)
  }
  const sweep = ({ rooms }: FastifyInstance) => rooms.members.sweep()

  test(`${engine}: two users meet, and what one says reaches the other over server-sent events`, async (t) => {
    const { id } = await ann.createRoom({ access: 'open' })
    const first = await ann.join(id)
    t.match(first, { member: { roomId: id, userId: ann.id, role: 'host', joins: 1 }, others: [] })
    const heard = await ann.follow(id, first.cursor)
    const second = await ben.join(id)
    t.match(second.others, [{ id: first.member.id }])
    t.ok(second.member.order > first.member.order, 'who joined later is polite')
    t.match(await heard.take(2), [
      { type: 'room.member-joined', subject: `/rooms/${id}`, data: first.member },
      { type: 'room.member-joined', data: { id: second.member.id, userId: ben.id, role: 'member' } },
    ])
    t.equal((await ben.signal(id, second.member.id, first.member.id, 'an offer')).status, 204)
    const said = { roomId: id, from: second.member.id, to: first.member.id, kind: 'description', data: 'an offer' }
    t.match(await heard.take(1), [{ type: 'room.signal', data: said }])
    const answers = await ben.follow(id, second.cursor)
    await ann.signal(id, first.member.id, second.member.id, 'an answer')
    t.match(await answers.take(2), [{ type: 'room.member-joined' }, { data: { data: 'an answer' } }])
    await ann.ask('POST', `/rooms/${id}/end`)
    t.match(await answers.take(1), [{ type: 'room.ended', data: { id, endedAt: /T/ } }])
  })

  test(`${engine}: two users are connected over one WebSocket each, and nothing else`, async (t) => {
    const { id } = await ann.createRoom({ access: 'open' })
    const enter = async (user: User) => {
      const client = await connect(t, baseOf(app))
      await client.call('authenticate', { token: user.token })
      const { member, cursor } = (await client.call('joinRoom', { id })).result
      await client.call('subscribe', { subject: `/rooms/${id}`, cursor, types: ['room.signal'] })
      return { client, place: member.id as string }
    }
    const [first, second] = [await enter(ann), await enter(ben)]
    const say = ({ client, place }: typeof first, to: string, data: string) =>
      client.call('sendSignal', { id, from: place, to, kind: 'description', data })
    await say(first, second.place, 'an offer')
    t.match(await second.client.told(1), [{ params: { event: { data: { from: first.place, data: 'an offer' } } } }])
    await say(second, first.place, 'an answer')
    t.match(await first.client.told(1), [{ params: { event: { data: { from: second.place, data: 'an answer' } } } }])
    await ann.ask('POST', `/rooms/${id}/end`)
  })

  test(`${engine}: what was told while a stream was cut is told when it goes on, and the room is kept`, async (t) => {
    const { id, places, joined } = await meet(t, ann, ben)
    const first = await ben.follow(id, joined[1]?.cursor ?? '')
    const [last] = await first.take(1)
    first.end()
    for (const text of ['one', 'two', 'three']) await ann.signal(id, places[0], places[1], text, 'candidate')
    const again = await ben.follow(id, last?.sequence ?? '')
    const texts = (await again.take(3)).map(({ data }) => data.data)
    t.same(texts, ['one', 'two', 'three'])
    t.match((await ben.ask('GET', `/rooms/${id}/members`)).json.members, [{ id: places[0] }, { id: places[1] }])
  })

  test(`${engine}: a user takes its place again, and the others are told that it begins anew`, async (t) => {
    const { id, places } = await meet(t, ann, ben)
    const again = await ben.join(id, places[1])
    t.match(again, { member: { id: places[1], joins: 2 }, others: [{ id: places[0], joins: 1 }] })
    t.match((await told(ann, id)).at(-1), { type: 'room.member-joined', data: { id: places[1], joins: 2 } })
    const other = await cem.join(id, places[1])
    t.not(other.member.id, places[1], 'nobody takes the place of another user')
    t.equal(other.member.joins, 1)
    const twice = await ben.join(id)
    t.not(twice.member.id, places[1], 'who has it open twice has two places')
  })

  test(`${engine}: of two that join the last place at once, one gets it`, async (t) => {
    const { id } = await ann.createRoom({ access: 'open', capacity: 2 })
    await ann.join(id)
    const bases = [app, second?.app ?? app].map(baseOf)
    const join = (user: User, base: string) => user.at(base).ask('POST', `/rooms/${id}/members`, {})
    for (let round = 0; round < 5; round += 1) {
      const answers = await Promise.all([join(ben, bases[0] ?? ''), join(cem, bases[1] ?? '')])
      t.same(statusesOf(answers), [201, 409])
      const { members } = await ann.get<{ members: { id: string }[] }>('GET', `/rooms/${id}/members`)
      t.equal(members.length, 2)
      const [winner] = answers[0].status === 201 ? [ben] : [cem]
      await winner?.ask('DELETE', `/rooms/${id}/members/${members[1]?.id}`)
    }
    await ann.ask('POST', `/rooms/${id}/end`)
  })

  test(`${engine}: a member that gives no sign of life is gone; told once, whoever finds it`, async (t) => {
    const { id, places } = await meet(t, ann, ben)
    await change(`update room_members set seen_at = '${longAgo}' where member = '${places[1]}'`)
    t.equal((await ann.ask('PUT', `/rooms/${id}/members/${places[0]}/presence`)).status, 204)
    await Promise.all([...processes, ...processes].map(sweep))
    const left = (await told(ann, id)).filter(({ type }) => type === 'room.member-left')
    t.match(left, [{ data: { id: places[1], userId: ben.id, reason: 'gone' } }])
    t.equal(left.length, 1)
    t.equal((await told(ben, id)).filter(({ type }) => type === 'room.member-left').length, 1, 'it is told too')
    t.equal((await ben.ask('PUT', `/rooms/${id}/members/${places[1]}/presence`)).status, 404)
    const again = await ben.join(id, places[1])
    t.not(again.member.id, places[1], 'what is gone is not taken again')
  })

  test(`${engine}: who gives a sign of life at the last moment stays, or is told as gone, and not both`, async (t) => {
    const { id, places } = await meet(t, ann, ben)
    for (let round = 0; round < 5; round += 1) {
      await change(`update room_members set seen_at = '${longAgo}' where member = '${places[1]}'`)
      const presence = () => ben.ask('PUT', `/rooms/${id}/members/${places[1]}/presence`)
      const [{ status }] = await Promise.all([presence(), ...processes.map(sweep)])
      const { members } = await ann.get<{ members: object[] }>('GET', `/rooms/${id}/members`)
      const gone = (await told(ann, id)).filter(({ type, data }) => type.endsWith('-left') && data.id === places[1])
      t.same([members.length, gone.length], status === 204 ? [2, 0] : [1, 1])
      if (status !== 204) places[1] = (await ben.join(id)).member.id
    }
  })

  test(`${engine}: whom nobody has swept yet holds no place`, async (t) => {
    const { id } = await ann.createRoom({ access: 'open', capacity: 2 })
    await ann.join(id)
    await ben.join(id)
    await change(`update room_members set seen_at = '${longAgo}' where room_id = ${id} and user_id = ${ben.id}`)
    t.match(await cem.join(id), { others: [{ userId: ann.id }] })
    t.match(typesOf(await told(ann, id)).slice(2), ['room.member-left', 'room.member-joined'])
    await ann.ask('POST', `/rooms/${id}/end`)
  })

  test(`${engine}: who was removed hears that, and nothing more`, async (t) => {
    const { id, places } = await meet(t, ann, ben, cem)
    const [mine, his, hers] = places
    const remove = (user: User, place: string) => user.ask('POST', `/rooms/${id}/members/${place}/remove`)
    t.equal((await remove(ben, hers)).status, 403, 'only hosts remove')
    t.equal((await remove(ann, mine)).status, 403, 'who made the room cannot be removed')
    await ben.join(id)
    t.equal((await remove(ann, his)).status, 204)
    t.equal((await remove(ann, his)).status, 404)
    await ann.signal(id, mine, hers, 'behind his back')
    await cem.ask('DELETE', `/rooms/${id}/members/${hers}`)
    const heard = await told(ben, id)
    t.match(
      heard.slice(-2).map(({ data }) => data.reason),
      ['removed', 'removed'],
      'of both his places, and nothing behind them',
    )
    t.equal((await ann.signal(id, mine, his, 'to nobody')).status, 404)
    t.equal((await ben.signal(id, his, mine, 'from nobody')).status, 404)
    for (const path of ['', '/members']) t.equal((await ben.ask('GET', `/rooms/${id}${path}`)).status, 404)
    t.equal((await ben.ask('POST', `/rooms/${id}/members`, {})).status, 404)
    t.equal((await ann.ask('PUT', `/rooms/${id}/invitations/${ben.id}`)).status, 204)
    t.match((await told(ben, id)).at(-1), { type: 'room.invited', data: { id, invitedBy: ann.id } })
    t.equal((await ben.ask('POST', `/rooms/${id}/members`, {})).status, 201, 'until he is invited')
  })

  test(`${engine}: a signal goes to its one user, within its room, from a place of the caller`, async (t) => {
    const { id, places } = await meet(t, ann, ben, cem)
    const other = await meet(t, ann, ben)
    t.equal((await ann.signal(id, places[0], other.places[1], 'across rooms')).status, 404)
    t.equal((await ann.signal(other.id, places[0], other.places[1], 'from elsewhere')).status, 404)
    t.equal((await ben.signal(id, places[0], places[2], 'as somebody else')).status, 404)
    t.equal((await ann.signal(id, places[0], places[1], 'a'.repeat(16_385))).status, 400)
    const toItself = await ann.signal(id, places[0], places[0], 'to itself')
    t.match(toItself.json, { code: 'validation-failed', errors: [{ in: 'body', pointer: '/to' }] })
    const secret = 'for Ben alone \u{1F512} "data":'
    t.equal((await ann.signal(id, places[0], places[1], secret)).status, 204)
    const signals = async (user: User) => (await told(user, id)).filter(({ type }) => type === 'room.signal')
    t.match(await signals(ben), [{ data: { data: secret } }])
    t.same(await signals(cem), [])
    t.same(await signals(ann), [])
    const all = await ask('GET', `/events?types=room.signal&subject=/rooms/${id}`, { credential: admin })
    t.equal(all.json.length, 1, 'administrators see all events')
  })

  test(`${engine}: the text of a signal is kept for an hour`, async (t) => {
    const { id, places } = await meet(t, ann, ben)
    await ann.signal(id, places[0], places[1], 'old "data":"x"')
    const hourAgo = new Date(Date.now() - 3_600_001).toISOString()
    await change(`update events set time = '${hourAgo}' where type = 'room.signal' and subject = '/rooms/${id}'`)
    await ann.signal(id, places[0], places[1], 'new')
    await second?.app.rooms.rooms.forgetSignals()
    await app.rooms.rooms.forgetSignals()
    const signals = (await told(ben, id)).filter(({ type }) => type === 'room.signal')
    t.match(signals, [{ data: { from: places[0], kind: 'description', data: '' } }, { data: { data: 'new' } }])
  })

  test(`${engine}: a room that one is invited to is seen by nobody else, and ended by hosts alone`, async (t) => {
    const { id } = await ann.createRoom()
    t.equal((await ben.ask('GET', `/rooms/${id}`)).status, 404)
    t.equal((await ben.ask('POST', `/rooms/${id}/members`, {})).status, 404)
    await ann.ask('PUT', `/rooms/${id}/invitations/${ben.id}`)
    t.match(await ben.get('GET', '/rooms'), [{ id }])
    t.same(await cem.get('GET', '/rooms'), [])
    const { member } = await ben.join(id)
    t.equal((await ben.ask('POST', `/rooms/${id}/end`)).status, 403)
    t.equal((await ben.ask('PUT', `/rooms/${id}/invitations/${cem.id}`)).status, 403)
    await ann.get('PUT', `/rooms/${id}/members/${member.id}/role`, { role: 'host' })
    const own = await ann.join(id)
    const demoted = await ben.ask('PUT', `/rooms/${id}/members/${own.member.id}/role`, { role: 'member' })
    t.equal(demoted.status, 403, 'who made it stays a host')
    t.equal((await ben.ask('PUT', `/rooms/${id}/invitations/${cem.id}`)).status, 204)
    t.match(await ben.get('POST', `/rooms/${id}/end`), { id, endedAt: /T/ })
    for (const user of [ann, ben, cem]) t.equal((await told(user, id)).at(-1)?.type, 'room.ended')
    t.equal((await ann.ask('POST', `/rooms/${id}/members`, {})).status, 409)
    t.same(await ann.get('GET', '/rooms'), [])
  })

  test(`${engine}: a room ends when its members have been away for long, and not while somebody is there`, async (t) => {
    const { id, places } = await meet(t, ann)
    const expiry = async () =>
      (await app.storage.engine.all(raw(`select expires_at from rooms where id = ${id}`), {}))[0]
    t.match(await expiry(), { expires_at: null })
    const expire = () => change(`update rooms set expires_at = '${longAgo}' where id = ${id}`)
    await expire()
    await app.rooms.rooms.endExpired()
    t.match(await ann.get('GET', `/rooms/${id}`), { endedAt: null })
    await change(`update rooms set expires_at = null where id = ${id}`)
    await ann.ask('DELETE', `/rooms/${id}/members/${places[0]}`)
    const left = Date.parse(String((await expiry())?.expires_at)) - Date.now()
    t.ok(left > 3_500_000 && left <= 3_600_000, 'an hour')
    await expire()
    await Promise.all(processes.map(({ rooms }) => rooms.rooms.endExpired()))
    t.equal((await told(ann, id)).filter(({ type }) => type === 'room.ended').length, 1)
    await change(`update rooms set ended_at = '${longAgo}' where id = ${id}`)
    await app.rooms.rooms.forget()
    t.equal((await ann.ask('GET', `/rooms/${id}`)).status, 404, 'and is forgotten')
  })

  limits(engine, { ann, ben, cem, change, app })
}

function baseOf({ server }: FastifyInstance): string {
  const address = server.address()
  return `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`
}
