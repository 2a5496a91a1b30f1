/** SIGKILL at random instants while events go out: each reaches a receiver that fails one request in five. */

import { setTimeout as wait } from 'node:timers/promises'
import { test } from 'tap'
import { temporaryFolder } from '../../helper.ts'
import { adminKeyOf } from '../../keys.ts'
import { startServer } from '../../storage/server-process.ts'
import { receive } from './receiver.ts'

/** More for a measurement: KILLS=20 EVENTS=10000. */
const kills = Number(process.env.KILLS ?? 5)
const events = Number(process.env.EVENTS ?? 1000)
const writers = 8

test(`no event of ${events} is lost in ${kills} kills`, { timeout: 600_000 }, async (t) => {
  const folder = temporaryFolder(t)
  const settings = {
    DATA_DIR: folder,
    WEBHOOK_ALLOW: '127.0.0.1',
    WEBHOOK_TIMEOUT: '500',
    WEBHOOK_WAITS: Array.from({ length: 20 }, () => '0.1').join(' '),
  }
  let requests = 0
  const arrived = new Map<string, number>()
  const receiver = await receive(t, ({ id, event }, reply) => {
    requests += 1
    receiver.received.length = 0
    if (requests % 5 === 0) return reply.writeHead(500).end()
    if (event.type === 'user.created') arrived.set(id, (arrived.get(id) ?? 0) + 1)
    return reply.writeHead(204).end()
  })
  const acknowledged: string[] = []
  let server = await startServer(t, settings)
  const headers = { 'x-api-key': adminKeyOf(folder), 'content-type': 'application/json' }
  const post = (url: string, body: object) =>
    fetch(`${server.base}${url}`, { method: 'POST', headers, body: JSON.stringify(body) })
  t.equal((await post('/webhooks', { url: receiver.url, types: ['user.created'] })).status, 201)
  for (let round = 0; round <= kills; round++) {
    if (round > 0) server = await startServer(t, settings)
    const goal = Math.ceil((events * (round + 1)) / (kills + 1))
    const writing = Promise.all(Array.from({ length: writers }, (_, writer) => write(round, writer, goal)))
    if (round === kills) {
      await writing
      break
    }
    while (acknowledged.length < goal - 1) await wait(1)
    await wait(Math.random() * 300)
    await server.end('SIGKILL')
    await writing
  }
  const told = await everyEvent()
  const missing = () => told.filter((id) => !arrived.has(id)).length
  for (const end = Date.now() + 60_000; missing() > 0 && Date.now() < end; ) await wait(50)
  const repeated = [...arrived.values()].filter((times) => times > 1).length
  t.comment(
    `${acknowledged.length} acknowledged, ${told.length} events, ${missing()} lost, ${repeated} came more than once, ${requests} requests`,
  )
  t.ok(acknowledged.length >= events)
  t.ok(told.length >= acknowledged.length, 'each acknowledged user has told')
  t.equal(missing(), 0)
  t.ok(repeated < told.length / 10, 'and few came twice')
  await server.end('SIGTERM')

  async function write(round: number, writer: number, goal: number): Promise<void> {
    for (let number = 0; acknowledged.length < goal; number++) {
      const email = `kill-${round}-${writer}-${number}@example.com`
      try {
        const { status } = await post('/users', { name: 'Mohamed', email })
        if (status !== 201) return
        acknowledged.push(email)
      } catch {
        return
      }
    }
  }

  /** Ids of what was told, from the log. */
  async function everyEvent(): Promise<string[]> {
    const ids: string[] = []
    for (let url: string | undefined = '/events?types=user.created&limit=100'; url !== undefined; ) {
      const answer: Response = await fetch(`${server.base}${url}`, { headers })
      ids.push(...((await answer.json()) as { id: string }[]).map(({ id }) => id))
      url = /<([^>]+)>; rel="next"/.exec(answer.headers.get('link') ?? '')?.[1]
    }
    return ids
  }
})
