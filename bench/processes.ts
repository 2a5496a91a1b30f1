/** Child processes on their own core, what the kernel says of them, and an end that leaves nothing behind. */

import { type ChildProcess, type SpawnOptions, spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, statfsSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/** Ticks of `/proc/<pid>/stat` in a second: 100 on every Linux that Node runs on. */
const ticks = 100
const tmpfs = 0x01021994

const groups = new Set<number>()
const folders = new Set<string>()

/** However the benchmark ends, its children and folders go with it. */
process.once('exit', () => {
  for (const pid of groups) killGroup(pid, 'SIGKILL')
  for (const folder of folders) rmSync(folder, { recursive: true, force: true, maxRetries: 3 })
})
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(130))

/** Whether each process can be given a core of its own. */
export const pinned = availableParallelism() > 1 && spawnSync('taskset', ['-c', '0,1', 'true']).status === 0

/** Starts a program in a process group of its own, on one core where one is given. */
export function start(command: string[], options: SpawnOptions, core?: number): ChildProcess {
  const [program = '', ...args] = pinned && core !== undefined ? ['taskset', '-c', String(core), ...command] : command
  const child = spawn(program, args, { ...options, detached: true })
  const { pid } = child
  if (pid === undefined) throw new Error(`${program} could not be started`)
  groups.add(pid)
  child.once('exit', () => groups.delete(pid))
  return child
}

/** Asks a process and its children to stop, and waits for it. */
export async function stop(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
  const ended = new Promise((resolve) => child.once('exit', resolve))
  killGroup(child.pid, 'SIGTERM')
  await ended
}

function killGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal)
  } catch {
    // It has ended by itself.
  }
}

/** An empty folder on a disk, not in memory: a sync of a tmpfs costs nothing. */
export function workFolder(): string {
  const parent = [tmpdir(), '/var/tmp', process.cwd()].find((path) => statfsSync(path).type !== tmpfs)
  const folder = mkdtempSync(join(parent ?? tmpdir(), 'septet-bench-'))
  folders.add(folder)
  return folder
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0))
    })
  })
}

/** Resolves when something accepts connections on the port. @throws when the process ends before. */
export async function listening(port: number, child: ChildProcess): Promise<void> {
  const limit = performance.now() + 30_000
  while (!(await accepts(port))) {
    if (child.exitCode !== null || child.signalCode !== null) throw new Error('a server ended before it listened')
    if (performance.now() > limit) throw new Error('a server does not listen after 30 s')
    await sleep(5)
  }
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })
}

/** Seconds of CPU that a process has used, in its own code and in the kernel, on all of its threads. */
export function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
  // Behind the program's name, which may hold spaces, utime and stime are the 12th and 13th field.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / ticks
}

/** Resident memory of a process, in MB of 1,000,000 bytes. */
export function residentMegabytes(pid: number): number {
  const [, kibibytes] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1')) ?? []
  return (Number(kibibytes) * 1024) / 1e6
}
