/** What the tests of rooms share: users with tokens, and what each of them hears. */

import type { Test } from 'tap'
import type { RoomMember } from '../../src/schemas/room.ts'
import { type Member, type Outside, openOutside } from '../security/visitor.ts'

export type Place = typeof RoomMember.static

export const memberSettings = { MEMBER_SCOPES: 'users:read rooms:read rooms:write events:read keys:read keys:write' }

/** What is told of a room. */
export interface RoomEvent {
  type: string
  subject: string
  sequence: string
  // biome-ignore lint/suspicious/noExplicitAny: its shape is what the tests look at
  data: any
}

export interface Joined {
  member: Place
  others: Place[]
  cursor: string
}

/** A user who calls operations and follows events. */
export class User {
  readonly id: number
  readonly #outside: Outside
  readonly #t: Test
  readonly #member: Member

  constructor(t: Test, outside: Outside, member: Member) {
    this.#t = t
    this.#outside = outside
    this.#member = member
    this.id = member.id
  }

  get token(): string {
    return this.#member.accessToken
  }

  /** The same user, at another process. */
  at(base: string): User {
    const ask: Outside['ask'] = async (method, path, { credential, body } = {}) => {
      const headers = { authorization: `Bearer ${credential}`, 'content-type': 'application/json' }
      const answer = await fetch(base + path, { method, headers, body: JSON.stringify(body) })
      const text = await answer.text()
      return { status: answer.status, headers: answer.headers, text, json: text && JSON.parse(text) }
    }
    return new User(this.#t, { ...this.#outside, base, ask }, this.#member)
  }

  ask(method: string, path: string, body?: unknown) {
    return this.#outside.ask(method, path, { credential: this.token, body })
  }

  /** As {@link ask}, of what must succeed. */
  async get<Value>(method: string, path: string, body?: unknown): Promise<Value> {
    const { status, json, text } = await this.ask(method, path, body)
    if (status >= 300) throw new Error(`${method} ${path}: ${status} ${text}`)
    return json as Value
  }

  createRoom(room: object = {}) {
    return this.get<{ id: number }>('POST', '/rooms', { name: 'Stand-up', ...room })
  }

  join(room: number, memberId?: string) {
    return this.get<Joined>('POST', `/rooms/${room}/members`, memberId === undefined ? {} : { memberId })
  }

  signal(room: number, from: string, to: string, data: string, kind = 'description') {
    return this.ask('POST', `/rooms/${room}/signals`, { from, to, kind, data })
  }

  /** Follows a room over server-sent events, from a cursor on. */
  async follow(room: number, cursor: string): Promise<Followed> {
    const abort = new AbortController()
    this.#t.teardown(() => abort.abort())
    const headers = { accept: 'text/event-stream', authorization: `Bearer ${this.token}` }
    const url = `${this.#outside.base}/events?subject=/rooms/${room}&cursor=${cursor}`
    const answer = await fetch(url, { headers, signal: abort.signal })
    if (answer.body === null || !answer.ok) throw new Error(`${answer.status} ${await answer.text()}`)
    return new Followed(answer.body, abort)
  }
}

export class Followed {
  readonly #reader: ReadableStreamDefaultReader<string>
  readonly #abort: AbortController
  readonly #events: RoomEvent[] = []
  #text = ''
  #taken = 0

  constructor(body: ReadableStream<Uint8Array<ArrayBuffer>>, abort: AbortController) {
    this.#abort = abort
    this.#reader = body.pipeThrough(new TextDecoderStream()).getReader()
  }

  /** The next so many events, behind those that were taken before. */
  async take(count: number): Promise<RoomEvent[]> {
    while (this.#events.length < this.#taken + count) {
      const { done, value = '' } = await this.#reader.read()
      if (done) throw new Error(`the stream has ended behind ${JSON.stringify(this.#events)}`)
      this.#text += value
      const parts = this.#text.split('\n\n')
      this.#text = parts.pop() ?? ''
      for (const part of parts) {
        const data = /^data: (.*)$/m.exec(part)?.[1]
        if (data !== undefined) this.#events.push(JSON.parse(data) as RoomEvent)
      }
    }
    this.#taken += count
    return this.#events.slice(this.#taken - count, this.#taken)
  }

  end(): void {
    this.#abort.abort()
  }
}

/** A server over a database, and three users of it. */
export async function openRooms(t: Test, settings: Record<string, string>, moreRoutes: readonly string[] = []) {
  const outside = await openOutside(t, { ...memberSettings, SEED: 'false', ...settings }, moreRoutes)
  const user = async (name: string) => new User(t, outside, await outside.join(`${name}@example.com`))
  return { ...outside, ann: await user('ann'), ben: await user('ben'), cem: await user('cem') }
}

/** What a user was told of a room so far. */
export async function toldOf(user: User, room: number): Promise<RoomEvent[]> {
  return user.get<RoomEvent[]>('GET', `/events?limit=100&subject=/rooms/${room}`)
}

/** A room of the first, which all of them have joined. */
export async function meet(t: Test, ...users: [User, ...User[]]) {
  const [host] = users
  const { id } = await host.createRoom({ access: 'open' })
  t.teardown(() => host.ask('POST', `/rooms/${id}/end`))
  const joined = []
  for (const user of users) joined.push(await user.join(id))
  return { id, places: joined.map(({ member }) => member.id) as [string, string, string], joined }
}
