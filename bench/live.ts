/**
 * `node bench/live.ts [latency | memory] [--quick]`: how long after the answer to a write its event is told, with 100 subscribers and a
 * steady stream of writes; and what a WebSocket costs in memory that says nothing, without and with a subscription.
 *
 * Every setting is at its default but the scopes of anonymous callers, the limits of connections and the shedding of load.
 */

import { once } from 'node:events'
import { Agent, request } from 'node:http'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import WebSocket from 'ws'
import { pinned, residentMegabytes, stop, workFolder } from './processes.ts'
import { atMost, count, progress, table } from './report.ts'
import { type Server, startSeptet } from './servers.ts'

/** Greatest p99 in ms, and kB of 1000 bytes for each connection. */
const bars = { latency: 20, memory: 20 }
const subscribers = 100
/** Between two writes, in ms. */
const pause = 20
const settings = {
  ANONYMOUS_SCOPES: 'users:read users:write events:read',
  MAX_EVENT_LOOP_DELAY: '0',
  MAX_CONNECTIONS: '20000',
  MAX_CONNECTIONS_PER_ADDRESS: '20000',
}
const graphql = 'subscription { listEvents { type subject sequence data } }'

/** Opens a connection that hands on all that it is told; gives how to close it. */
type Listen = (port: number, told: (text: string) => void) => Promise<() => void>

const wires: Record<string, Listen> = {
  'JSON-RPC over WebSocket': async (port, told) => {
    const socket = await open(port, '/ws', 'jsonrpc-2.0')
    socket.send('{"jsonrpc":"2.0","id":1,"method":"subscribe"}')
    await once(socket, 'message')
    socket.on('message', (data) => told(String(data)))
    return () => socket.terminate()
  },
  'server-sent events': async (port, told) => {
    const sent = request({ port, path: '/events', headers: { accept: 'text/event-stream' }, agent: false }).end()
    const [answer] = (await once(sent, 'response')) as [NodeJS.ReadableStream]
    answer.setEncoding('utf8').on('data', told)
    return () => sent.destroy()
  },
  'GraphQL over WebSocket': async (port, told) => {
    const socket = await open(port, '/graphql', 'graphql-transport-ws')
    socket.send('{"type":"connection_init"}')
    await once(socket, 'message')
    socket.send(JSON.stringify({ type: 'subscribe', id: '1', payload: { query: graphql } }))
    socket.on('message', (data) => told(String(data)))
    return () => socket.terminate()
  },
}

async function open(port: number, path: string, subprotocol: string): Promise<WebSocket> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`, subprotocol, { perMessageDeflate: false })
  await once(socket, 'open')
  return socket
}

/** Sorted, in ms; below 0 what was told before the writer had its answer. */
async function latencies(listen: Listen, port: number, writes: number): Promise<number[]> {
  const arrivals: [number: number, at: number][] = []
  const told = (text: string) => {
    const at = performance.now()
    for (const [, number] of text.matchAll(/"name":"n-(\d+)"/g)) arrivals.push([Number(number), at])
  }
  const closings = await Promise.all(Array.from({ length: subscribers }, () => listen(port, told)))
  await sleep(500)
  const agent = new Agent({ keepAlive: true })
  const answered: number[] = []
  for (let number = 0; number < writes; number += 1) {
    await rename(port, agent, `n-${number}`)
    answered.push(performance.now())
    await sleep(pause)
  }
  await sleep(500)
  for (const close of closings) close()
  agent.destroy()
  if (arrivals.length !== writes * subscribers)
    throw new Error(`${arrivals.length} notifications for ${writes} writes and ${subscribers} subscribers`)
  return arrivals.map(([number, at]) => at - (answered[number] as number)).sort((a, b) => a - b)
}

async function rename(port: number, agent: Agent, name: string): Promise<void> {
  const headers = { 'content-type': 'application/json' }
  const sent = request({ port, path: '/users/1', method: 'PATCH', headers, agent }).end(JSON.stringify({ name }))
  const [answer] = (await once(sent, 'response')) as [NodeJS.ReadableStream & { statusCode: number }]
  answer.resume()
  await once(answer, 'end')
  if (answer.statusCode !== 200) throw new Error(`a write was answered with ${answer.statusCode}`)
}

/** kB that each of so many WebSockets adds to the server's resident memory, some seconds after they are open. */
async function memoryOf(port: number, pid: number, connections: number, subscribe: boolean): Promise<number> {
  const before = await settled(pid)
  const sockets: WebSocket[] = []
  for (let opened = 0; opened < connections; opened += 100) {
    const some = Array.from({ length: 100 }, async () => {
      const socket = await open(port, '/ws', 'jsonrpc-2.0')
      if (!subscribe) return socket
      socket.send('{"jsonrpc":"2.0","id":1,"method":"subscribe"}')
      await once(socket, 'message')
      return socket
    })
    sockets.push(...(await Promise.all(some)))
  }
  const after = await settled(pid)
  for (const socket of sockets) socket.terminate()
  return ((after - before) * 1000) / connections
}

/** Resident memory in MB, the least of some seconds: the engine collects what is garbage when it has nothing to do. */
async function settled(pid: number): Promise<number> {
  let least = Number.POSITIVE_INFINITY
  for (let second = 0; second < 12; second += 1) {
    await sleep(1000)
    least = Math.min(least, residentMegabytes(pid))
  }
  return least
}

const quick = process.argv.includes('--quick')
const writes = quick ? 100 : 400
const connections = quick ? 2000 : 10_000
const at = (sorted: readonly number[], part: number) => sorted[Math.floor((sorted.length - 1) * part)] as number
const ms = (value: number) => value.toFixed(1)

async function start(name: string): Promise<Server> {
  return startSeptet(join(workFolder(), name), [], settings)
}

async function measureLatency(): Promise<string> {
  const { port, process: child } = await start('latency')
  const rows: string[][] = []
  for (const [name, listen] of Object.entries(wires)) {
    progress(name)
    await latencies(listen, port, 50)
    const sorted = await latencies(listen, port, writes)
    const figures = [0.5, 0.9, 0.99, 1].map((part) => ms(at(sorted, part)))
    rows.push([name, ...figures, ms(bars.latency), atMost(at(sorted, 0.99), bars.latency)])
  }
  await stop(child)
  const title = `ms from the answer to a write until each of ${subscribers} subscribers is told, ${count(writes)} writes`
  return table(title, ['', 'median', 'p90', 'p99', 'most', 'bar', ''], rows)
}

async function measureMemory(): Promise<string> {
  const rows: string[][] = []
  for (const subscribe of [false, true]) {
    progress(`${count(connections)} connections`)
    const { port, pid, process: child } = await start(`memory-${subscribe}`)
    const each = await memoryOf(port, pid, connections, subscribe)
    rows.push([subscribe ? 'with a subscription' : 'without one', ms(each), ms(bars.memory), atMost(each, bars.memory)])
    await stop(child)
  }
  return table(`kB of ${count(connections)} silent WebSockets, each`, ['', 'kB', 'bar', ''], rows)
}

const asked = process.argv.slice(2)
process.stdout.write(`Node ${process.version}${pinned ? '' : ', NOT pinned to cores'}\n`)
if (!asked.includes('memory')) process.stdout.write(await measureLatency())
if (!asked.includes('latency')) process.stdout.write(await measureMemory())
process.exit()
