import { join } from 'node:path'
import { test } from 'tap'
import { KeptFrames } from '../../../src/protocols/grpc/kept-frames.ts'
import { framed, getUser, openSession } from './session.ts'

const routes = [join(import.meta.dirname, '../../conformance/routes')]
const kind = {}
const frame = (text: string) => Buffer.from(text)

test('a message is known by its text, its kind and its cursor', (t) => {
  const kept = new KeptFrames(10_000)
  kept.keep('a', kind, undefined, frame('A'))
  t.same(kept.get('a', kind, undefined), frame('A'))
  t.equal(kept.get('b', kind, undefined), undefined)
  t.equal(kept.get('a', {}, undefined), undefined)
  t.equal(kept.get('a', kind, '</next>; rel="next"'), undefined)
  kept.keep('a', kind, 'next', frame('B'))
  t.same(kept.get('a', kind, 'next'), frame('B'))
  t.end()
})

test('what is asked for stays, what is not goes, and nothing is kept where nothing may be', (t) => {
  const kept = new KeptFrames(4000)
  kept.keep('asked', kind, undefined, frame('1'))
  kept.keep('not asked', kind, undefined, frame('2'))
  for (let index = 0; index < 200; index += 1) {
    kept.keep(`${index}`, kind, undefined, frame('x'))
    t.ok(kept.get('asked', kind, undefined), `${index}`)
  }
  t.equal(kept.get('not asked', kind, undefined), undefined)
  t.equal(kept.get('0', kind, undefined), undefined)
  const none = new KeptFrames(0)
  none.keep('a', kind, undefined, frame('A'))
  t.equal(none.get('a', kind, undefined), undefined)
  kept.keep('l'.repeat(100_000), kind, undefined, frame('long'))
  t.equal(kept.get('l'.repeat(100_000), kind, undefined), undefined)
  t.end()
})

test('an answer is that of now, however often it was asked for', async (t) => {
  const { app, call } = await openSession(t, {}, routes)
  const list = '/septet.v1.UsersService/ListUsers'
  const first = framed(Buffer.from([8, 1]))
  const ask = async (path: string, body: Buffer) => (await call(path, body)).body.toString('latin1')
  for (const name of ['Mohamed', 'Zoe', 'Mohamed']) {
    await app.inject({ method: 'PATCH', url: '/users/1', payload: { name } })
    for (let times = 0; times < 3; times += 1) {
      t.match(await ask(getUser, first), name)
      t.match(await ask(list, framed(Buffer.alloc(0))), name)
    }
  }
  const page = framed(Buffer.from([8, 1]))
  const pages = [await ask(list, page), await ask(list, page)]
  t.equal(pages[0], pages[1])
})
