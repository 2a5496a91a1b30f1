/** coturn on loopback, with the settings that the README names. It ends with the test. */

import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { join } from 'node:path'
import type { Test } from 'tap'
import { temporaryFolder } from '../helper.ts'
import { freePort } from '../storage/postgres-server.ts'
import { until } from '../storage/setup.ts'

const program = process.env.TURNSERVER ?? 'turnserver'

/** The `skip` of a test that needs it. */
export const skipTurn =
  spawnSync(program, ['--version']).error !== undefined && 'install coturn (Debian: coturn), or name it by TURNSERVER'

export const turnSecret = 'north of the old harbour'

/** Ends with its input: also when this process is killed. */
const script = '"$0" "$@" < /dev/null & read -r _; kill -9 $!; wait'

export interface TurnServer {
  url: string
  start(): Promise<void>
  stop(): Promise<void>
}

export async function startTurn(t: Test): Promise<TurnServer> {
  const folder = temporaryFolder(t)
  const port = await freePort()
  const args = [
    '-n',
    '--use-auth-secret',
    `--static-auth-secret=${turnSecret}`,
    '--realm=septet.test',
    '--listening-ip=127.0.0.1',
    '--relay-ip=127.0.0.1',
    `--listening-port=${port}`,
    '--allow-loopback-peers',
    '--no-tls',
    '--no-dtls',
    '--no-cli',
    '--no-rfc5780',
    '--log-file=/dev/null',
    `--pidfile=${join(folder, 'turn.pid')}`,
    `--userdb=${join(folder, 'turn.db')}`,
  ]
  let child: ChildProcess | undefined
  const start = async () => {
    child = spawn('sh', ['-c', script, program, ...args], { stdio: ['pipe', 'ignore', 'ignore'] })
    await until(() => answers(port), 'coturn answers')
  }
  const stop = async () => {
    const ended = child && once(child, 'exit')
    child?.stdin?.end()
    await ended
    child = undefined
  }
  t.teardown(stop)
  await start()
  return { url: `turn:127.0.0.1:${port}?transport=udp`, start, stop }
}

/** Whether a STUN server answers a binding request (RFC 8489 section 5). */
async function answers(port: number): Promise<boolean> {
  const socket = createSocket('udp4')
  try {
    const request = Buffer.from(`000100002112a442${'0'.repeat(24)}`, 'hex')
    socket.send(request, port, '127.0.0.1')
    await once(socket, 'message', { signal: AbortSignal.timeout(200) })
    return true
  } catch {
    return false
  } finally {
    socket.close()
  }
}
