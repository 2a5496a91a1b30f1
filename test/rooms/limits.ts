/** How much users may do in rooms, and who may not come back, over every engine. */

import type { FastifyInstance } from 'fastify'
import { test } from 'tap'
import { raw } from '../storage/setup.ts'
import { meet, type User } from './room-setup.ts'

interface Among {
  app: FastifyInstance
  ann: User
  ben: User
  cem: User
  change: (sql: string) => Promise<void>
}

export function limits(engine: string, { app, ann, ben, cem, change }: Among): void {
  test(`${engine}: a user who says or joins too much is slowed down in all places, and may go on later`, async (t) => {
    const { id, places } = await meet(t, ann, ben)
    const other = await meet(t, ben)
    const owing = (ms: number) =>
      change(`update room_users set paid_until = ${Date.now() + ms} where user_id = ${ann.id}`)
    await owing(150_000)
    const refused = [
      await ann.signal(id, places[0], places[1], 'too much'),
      await ann.ask('POST', `/rooms/${id}/members`, { memberId: places[0] }),
      await ann.ask('POST', `/rooms/${other.id}/members`, {}),
      await ann.ask('PUT', `/rooms/${id}/invitations/${cem.id}`),
      await ann.ask('PUT', `/rooms/${id}/members/${places[1]}/role`, { role: 'host' }),
    ]
    t.same(
      refused.map(({ status, headers }) => [status, headers.get('retry-after')]),
      refused.map(() => [429, '1']),
    )
    t.equal((await ben.signal(id, places[1], places[0], 'not so much')).status, 204)
    await owing(90_000)
    t.equal((await ann.signal(id, places[0], places[1], 'again')).status, 204)
    t.equal((await ann.join(id, places[0])).member.joins, 2)
    await app.rooms.rooms.dues.forget()
    const owe = async () => (await app.storage.engine.all(raw('select user_id from room_users'), {})).length
    const before = await owe()
    await owing(-1)
    await app.rooms.rooms.dues.forget()
    t.equal(await owe(), before - 1, 'what was paid for is forgotten, and nothing else')
    t.equal((await ann.signal(id, places[0], places[1], 'from the beginning')).status, 204)
  })

  test(`${engine}: who was removed stays so, whatever comes of an invitation; open to others`, async (t) => {
    const { id, places } = await meet(t, ann, ben)
    const invitation = (method: string, user: User) => ann.ask(method, `/rooms/${id}/invitations/${user.id}`)
    await ann.ask('POST', `/rooms/${id}/members/${places[1]}/remove`)
    t.same(await ann.get('GET', `/rooms/${id}/invitations`), { invitations: [] })
    await invitation('PUT', ben)
    await invitation('PUT', cem)
    t.match(await ann.get('GET', `/rooms/${id}/invitations`), {
      invitations: [ben, cem].map((user) => ({ userId: user.id, invitedBy: ann.id })),
    })
    t.equal((await ben.ask('GET', `/rooms/${id}/invitations`)).status, 403, 'for hosts')
    await ben.join(id)
    t.equal((await invitation('DELETE', ben)).status, 204)
    t.equal((await ben.ask('POST', `/rooms/${id}/members`, {})).status, 403, 'in it still, he takes no further place')
    t.equal((await invitation('DELETE', ben)).status, 404)
    t.equal((await invitation('DELETE', cem)).status, 204)
    t.equal((await cem.ask('POST', `/rooms/${id}/members`, {})).status, 201, 'open to who was never removed')
  })

  test(`${engine}: nobody takes all places of a room`, async (t) => {
    const { id } = await meet(t, ann, ben, ben, ben)
    const more = await ben.ask('POST', `/rooms/${id}/members`, {})
    t.match(more.json, { status: 409, detail: 'You have 3 places in the room: leave one to take another' })
    t.equal((await cem.ask('POST', `/rooms/${id}/members`, {})).status, 201)
    const nobody = await ann.ask('PUT', `/rooms/${id}/invitations/999999`)
    t.match(nobody.json, { status: 409, detail: 'There is no such user' })
  })

  test(`${engine}: a user has at most 20 rooms, also of those that are made at once`, async (t) => {
    const answers = await Promise.all(Array.from({ length: 30 }, () => cem.ask('POST', '/rooms', { name: 'A room' })))
    t.same(
      [201, 409].map((status) => answers.filter((answer) => answer.status === status).length),
      [20, 10],
    )
    const [made] = answers.filter(({ status }) => status === 201).map(({ json }) => json as { id: number })
    await cem.ask('POST', `/rooms/${made?.id}/end`)
    t.equal((await cem.ask('POST', '/rooms', { name: 'One more' })).status, 201)
  })
}
