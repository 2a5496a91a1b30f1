/**
 * `node bench/dispatch.ts`: what a call in memory costs, in µs of CPU: on Fastify alone (the dispatcher and Fastify's own
 * life of a request), on the whole server (its hooks, log line and metrics too), and by `inject`.
 */

import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { Type } from '@sinclair/typebox'
import Fastify, { type FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import contract from '../plugins/contract.ts'
import dispatch from '../plugins/dispatch.ts'
import { createApp } from '../src/app.ts'
import { readConfig } from '../src/config.ts'
import type { Call, Peer } from '../src/contract/call.ts'
import { createLog } from '../src/logger.ts'
import { open } from '../src/schemas/security.ts'
import { workFolder } from './processes.ts'
import { atMost, factor, table } from './report.ts'
import { median } from './rounds.ts'

/** Most µs a call. */
const bar = 5
const rounds = 9
const calls = 20_000

const Greeting = Type.Object({ text: Type.String() }, { additionalProperties: false })
const common = {
  tags: ['greetings'],
  summary: 'Greet',
  description: 'Greets.',
  security: open,
  response: { 200: Greeting },
}

/** The same two routes on either server. */
const routes = async (fastify: FastifyInstance) => {
  fastify.route<{ Params: { name: string } }>({
    method: 'GET',
    url: '/greetings/:name',
    schema: {
      ...common,
      operationId: 'getGreeting',
      params: Type.Object({ name: Type.String() }, { additionalProperties: false }),
    },
    handler: async ({ params }) => ({ text: params.name }),
  })
  fastify.route<{ Body: { text: string } }>({
    method: 'POST',
    url: '/greetings',
    schema: { ...common, operationId: 'createGreeting', body: Greeting },
    handler: async ({ body }) => body,
  })
}

async function bareServer(): Promise<FastifyInstance> {
  const fastify = Fastify()
  fastify.decorate('shutdown', { started: false })
  for (const name of ['problems', 'shutdown']) await fastify.register(fp(async () => {}, { name }))
  await fastify.register(contract)
  await fastify.register(dispatch)
  await fastify.register(routes)
  return fastify
}

async function wholeServer(folder: string): Promise<FastifyInstance> {
  const config = readConfig({ DATA_DIR: folder, MAX_EVENT_LOOP_DELAY: '0' })
  // Lines are made, and go nowhere.
  const app = await createApp(config, createLog(config, { write: () => {} }))
  await app.register(routes)
  return app
}

const peer = {
  socket: { remoteAddress: '127.0.0.1' },
  headers: { host: 'localhost', 'user-agent': 'bench' },
} as unknown as Peer

function callOf(app: FastifyInstance, operationId: string, input: () => Record<string, unknown>, as: Call['as']) {
  const operation = app.contract.get(operationId)
  if (operation === undefined) throw new Error(`no ${operationId}`)
  return () => app.dispatch({ operation, input: input(), peer, as })
}

async function cost(call: () => Promise<unknown>, times = calls): Promise<number> {
  const before = process.cpuUsage()
  for (let left = times; left > 0; left -= 1) await call()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / times
}

const folder = workFolder()
const servers = { 'Fastify alone': await bareServer(), 'whole server': await wholeServer(join(folder, 'data')) }
const rows: string[][] = []
for (const [name, app] of Object.entries(servers)) {
  await app.ready()
  const get = () => ({ name: 'Zoe' })
  const post = () => ({ text: 'Zoe' })
  const ways: [string, () => Promise<unknown>][] = [
    ['get, text', callOf(app, 'getGreeting', get, 'text')],
    ['get, value', callOf(app, 'getGreeting', get, 'value')],
    ['post, text', callOf(app, 'createGreeting', post, 'text')],
    ['post, value', callOf(app, 'createGreeting', post, 'value')],
    ['get by inject', async () => (await app.inject('/greetings/Zoe')).json()],
  ]
  const found = ways.map((): number[] => [])
  for (let round = 0; round <= rounds; round += 1) {
    for (const [index, [way, call]] of ways.entries()) {
      const value = await cost(call, way.endsWith('inject') ? calls / 10 : calls)
      if (round > 0) found[index]?.push(value)
    }
  }
  for (const [index, [way]] of ways.entries()) {
    const value = median(found[index] ?? [])
    const judged = name === 'Fastify alone' && !way.endsWith('inject')
    rows.push([`${name}: ${way}`, factor(value), judged ? factor(bar) : '', judged ? atMost(value, bar) : ''])
  }
  await app.close()
}
process.stdout.write(table('A call in memory', ['', 'µs', 'bar', ''], rows))
rmSync(folder, { recursive: true, force: true })
process.exit()
