/** What rooms must do over every engine. */

import { type Test, test } from 'tap'
import { openRooms } from './room-setup.ts'

export type Settings = (t: Test) => Promise<Record<string, string>>

export function rooms(engine: string, settingsOf: Settings): void {
  test(`${engine}: two users meet, and what one says reaches the other over server-sent events`, async (t) => {
    const { users } = await openRooms(t, await settingsOf(t), ['ann', 'ben'])
    const [ann, ben] = users
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
    t.match(await answers.take(2), [
      { type: 'room.member-joined' },
      { type: 'room.signal', data: { data: 'an answer' } },
    ])
  })
}
