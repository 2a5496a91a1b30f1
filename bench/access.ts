/** What checking a credential costs a read, and what sign-ins do to reads beside them. */

import { readdirSync, readFileSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { copyDatabase } from './database.ts'
import type { Options } from './options.ts'
import { stop } from './processes.ts'
import { type Load, median, perCpuSecond, ratio, takeTurns } from './rounds.ts'
import { type Server, startSeptet } from './servers.ts'

const credentials = { email: 'bench@example.com', password: 'a long phrase for the benchmark' }
const person = { name: 'Bench', ...credentials }

/** Requests per CPU second with an API key and with an access token, each against those without a credential. */
export async function measureAccess(
  data: string,
  folder: string,
  load: Load,
  options: Options,
): Promise<{ key: number; token: number }> {
  const { users, connections, nodeFlags } = options
  const home = copyDatabase(data, join(folder, 'access'))
  // A token is to be good for as long as the rounds take.
  const server = await startSeptet(home, nodeFlags, { ACCESS_TOKEN_MINUTES: '60' })
  const key = readFileSync(join(home, 'admin-key'), 'utf8').trim()
  const token = await signUpAndIn(server, home)
  const base = { server, kind: 'get', connections, users } as const
  const contenders = [base, { ...base, credential: key }, { ...base, credential: token }]
  const [anonymous, withKey, withToken] = await takeTurns(load, contenders, options)
  await stop(server.process)
  return { key: ratio(withKey, anonymous, perCpuSecond), token: ratio(withToken, anonymous, perCpuSecond) }
}

/** Makes an account as a person does, following the link of the message; gives its access token. */
async function signUpAndIn(server: Server, home: string): Promise<string> {
  await post(server, '/auth/sign-up', person)
  const messages = join(home, 'notices')
  const [message = ''] = readdirSync(messages)
  const [, verification = ''] = /#token=([\w-]+)/.exec(readFileSync(join(messages, message), 'utf8')) ?? []
  await post(server, '/auth/verify-email', { token: verification, password: person.password })
  const { accessToken } = JSON.parse(await post(server, '/auth/sign-in', credentials)) as {
    accessToken: string
  }
  return accessToken
}

async function post({ port }: Server, path: string, body: object, address = '192.0.2.1'): Promise<string> {
  const answer = await fetch(`http://127.0.0.1:${port}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-forwarded-for': address },
    body: JSON.stringify(body),
  })
  if (!answer.ok) throw new Error(`POST ${path}: ${answer.status} ${await answer.text()}`)
  return answer.text()
}

const signIns = 50

/**
 * p99 in ms of GET /users/{id}, one after the other, on a server that is idle otherwise and on one that 50 clients
 * sign in to all the time, each from an address of its own: those of one network would be held up. The server has both
 * cores: hashing takes place on threads of its own.
 */
export async function measureSignIns(
  data: string,
  folder: string,
  { nodeFlags, rounds, users }: Options,
): Promise<{ idle: number; busy: number; ratio: number; perSecond: number }> {
  const home = copyDatabase(data, join(folder, 'sign-in'))
  const server = await startSeptet(home, nodeFlags, { TRUST_PROXY: '127.0.0.1' }, 'all cores')
  await signUpAndIn(server, home)
  await percentile(server, users, 500)
  const idle: number[] = []
  const busy: number[] = []
  let done = 0
  let took = 0
  for (let round = 0; round < rounds; round += 1) {
    idle.push(await percentile(server, users, 1000))
    const state = { running: true, counting: false }
    const clients = Array.from({ length: signIns }, async (_, client) => {
      while (state.running) {
        await post(server, '/auth/sign-in', credentials, `198.51.100.${client}`)
        if (state.counting) done += 1
      }
    })
    await sleep(200)
    const begin = performance.now()
    state.counting = true
    busy.push(await percentile(server, users, 1000))
    state.counting = false
    took += performance.now() - begin
    state.running = false
    await Promise.all(clients)
  }
  await stop(server.process)
  const ratios = busy.map((value, round) => value / (idle[round] ?? Number.NaN))
  return { idle: median(idle), busy: median(busy), ratio: median(ratios), perSecond: (done / took) * 1000 }
}

/** The 99th percentile of so many reads, in ms. */
async function percentile({ port }: Server, users: number, count: number): Promise<number> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const times: number[] = []
  for (let done = 0; done < count; done += 1) {
    const path = `/users/${1 + Math.floor(Math.random() * users)}`
    const begin = performance.now()
    await new Promise<void>((resolve, reject) => {
      request({ agent, port, path, host: '127.0.0.1' }, (response) => response.resume().once('end', resolve))
        .once('error', reject)
        .end()
    })
    times.push(performance.now() - begin)
    // Spread over the sign-ins, as other people's requests are.
    await sleep(2)
  }
  agent.destroy()
  times.sort((a, b) => a - b)
  return times[Math.floor(count * 0.99)] ?? Number.NaN
}
