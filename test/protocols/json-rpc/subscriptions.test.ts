import { test } from 'tap'
import type { Stream } from '../../../src/contract/stream.ts'
import { Problem } from '../../../src/errors.ts'
import { Subscriptions } from '../../../src/protocols/json-rpc/subscriptions.ts'

const item = (sequence: number, length: number) => ({ sequence, text: JSON.stringify('x'.repeat(length)) })

test('long parts are pushed bit by bit, each when the peer has read the one before; an end names what was pushed', async (t) => {
  const stream: Stream = {
    after: 0,
    async *parts() {
      yield { items: [1, 2, 3, 4, 5].map((sequence) => item(sequence, 40_000)), seen: 9 }
    },
  }
  const pushes: (readonly string[])[] = []
  let goOn = () => {}
  const subscriptions = new Subscriptions((texts) => {
    pushes.push(texts)
    return new Promise((resolve) => {
      goOn = resolve
    })
  }, 'opened')
  const turn = () => new Promise((resolve) => setImmediate(resolve))
  const { begin, subscription } = await subscriptions.open(async () => stream)
  begin()
  await turn()
  t.same(
    pushes.map(({ length }) => length),
    [2],
  )
  goOn()
  await turn()
  t.same(
    pushes.map(({ length }) => length),
    [2, 2],
  )
  subscriptions.end(new Problem('unavailable', 'The server is stopping'))
  goOn()
  await turn()
  t.equal(pushes.length, 3)
  t.match(JSON.parse(pushes[2]?.[0] ?? '{}'), {
    method: 'subscriptionEnded',
    params: { subscription, cursor: '0000000000000004', error: { data: { code: 'unavailable' } } },
  })
})
