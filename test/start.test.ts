import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { Agent, get } from 'node:http'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { type Test, test } from 'tap'
import { temporaryFolder } from './helper.ts'

const root = join(import.meta.dirname, '..')

interface Started {
  child: ChildProcess
  output: () => string
  exited: Promise<number | null>
}

function start(t: Test, settings: Record<string, string>, ...args: string[]): Started {
  const env = { PATH: process.env.PATH, DATA_DIR: temporaryFolder(t), PORT: '0', ...settings }
  const child = spawn(process.execPath, [join(root, 'src/start.js'), ...args], { env, cwd: root })
  t.teardown(() => child.kill('SIGKILL'))
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
  }
  const exited = new Promise<number | null>((resolve) => child.once('close', resolve))
  return { child, output: () => output, exited }
}

/** The base URL that the start-up lines tell. */
async function baseOf({ output, exited }: Started): Promise<string> {
  const ended = exited.then(() => {
    throw new Error(`the server ended: ${output()}`)
  })
  for (;;) {
    const base = /REST +(http:\S+)\/users/.exec(output())?.[1]
    if (base) return base
    await Promise.race([new Promise((resolve) => setTimeout(resolve, 20)), ended])
  }
}

test('the start says where REST and the docs answer', async (t) => {
  const server = start(t, {})
  const base = await baseOf(server)
  for (const address of [`REST       ${base}/users`, `gRPC       ${new URL(base).host}`, `docs       ${base}/docs`])
    t.match(server.output(), address)
  t.equal((await fetch(`${base}/user?id=2`)).status, 200)
})

test('a setting that cannot be used ends the start with one line that names it, and code 1', async (t) => {
  const file = join(temporaryFolder(t), 'file')
  writeFileSync(file, 'x')
  const garbage = temporaryFolder(t)
  writeFileSync(join(garbage, 'septet.sqlite'), 'this is not a database, whatever its name says'.repeat(100))
  const emptied = temporaryFolder(t)
  writeFileSync(join(emptied, 'secret'), '')
  const taken = createServer().listen(0, '127.0.0.1')
  t.teardown(() => taken.close())
  await once(taken, 'listening')
  const { port } = taken.address() as { port: number }
  const cases: [Record<string, string>, RegExp][] = [
    [{ PORT: 'abc' }, /PORT must be integer, got "abc"/],
    [{ PORT: '70000' }, /PORT must be <= 65535/],
    [{ PORT: String(port) }, /PORT \d+ is in use on 127\.0\.0\.1/],
    [{ CORS_ORIGINS: 'https://app.example/' }, /CORS_ORIGINS must hold origins/],
    [{ SHUTDOWN_TIMEOUT: '1e12' }, /SHUTDOWN_TIMEOUT must be <= 3600000/],
    [{ NODE_ENV: 'prod' }, /NODE_ENV must match pattern/],
    [{ HOST: 'no.such.host.invalid' }, /HOST no\.such\.host\.invalid is not an address of this machine/],
    [{ NODE_ENV: 'production' }, /SECRET must be set when NODE_ENV is production/],
    [{ NODE_ENV: 'production', SECRET: 's'.repeat(32) }, /PUBLIC_URL must be set when NODE_ENV is production/],
    [{ SECRET: 's3cret' }, /SECRET must hold secrets of at least 32 characters/],
    [{ PUBLIC_URL: 'https://api.example.com/v1' }, /PUBLIC_URL must be a URL without a path/],
    [{ TRUST_PROXY: 'nginx' }, /TRUST_PROXY must hold addresses or networks, got "nginx"/],
    [{ RTC_PORTS: '50000-40000' }, /RTC_PORTS must be a port or a range of them, got "50000-40000"/],
    [{ RTC_HOST: 'eth0' }, /RTC_HOST must be an address, got "eth0"/],
    [{ RTC_HOST: '192.0.2.1' }, /RTC_HOST is no address of this machine: bind EADDRNOTAVAIL 192\.0\.2\.1/],
    [{ RTC_ADDRESSES: 'nat.example' }, /RTC_ADDRESSES must hold addresses, got "nat\.example"/],
    [{ RTC_ICE_SERVERS: 'turn:s3cret' }, /RTC_ICE_SERVERS must hold stun:host:port and turn:user:password@host:port/],
    [{ MEMBER_SCOPES: 'users:rad' }, /MEMBER_SCOPES names users:rad, which no operation asks for/],
    [{ ANONYMOUS_SCOPES: 'user:read' }, /ANONYMOUS_SCOPES names user:read, which no operation asks for/],
    [{ LOG_LEVEL: 'loud' }, /LOG_LEVEL must match pattern/],
    [{ DATABASE_URL: 'mysql://user:s3cret@h/d' }, /DATABASE_URL must match pattern/],
    [{ DATABASE_URL: 'postgres://nobody:s3cret@127.0.0.1:1/none' }, /DATABASE_URL cannot be used: .*ECONNREFUSED/],
    [{ DATA_DIR: emptied }, /\/secret holds 0 characters, not the secret of 32 or more/],
    [{ DATA_DIR: file }, /DATA_DIR \S+ cannot be used/],
    [{ DATA_DIR: garbage }, /DATA_DIR \S+ cannot be used: file is not a database/],
  ]
  for (const [settings, expected] of cases) {
    const server = start(t, settings)
    t.equal(await server.exited, 1, JSON.stringify(settings))
    const lines = server
      .output()
      .trim()
      .split('\n')
      .filter((line) => !line.startsWith('{'))
    t.equal(lines.length, 1, server.output())
    t.match(lines[0], expected)
    t.notMatch(server.output(), /s3cret/)
  }
})

test('migrate brings the database up to date and ends', async (t) => {
  const server = start(t, {}, 'migrate')
  t.equal(await server.exited, 0)
  t.match(server.output(), /users-1-create/)
  t.match(server.output(), /The admin key, shown this once and kept in \S+admin-key:\n {2}spt_\w{51}\n/)
})

test('a stop under load finishes what is in flight, tells clients to close, and ends in time', async (t) => {
  const server = start(t, { ACCESS_LOG: 'off' })
  const base = await baseOf(server)
  const agent = new Agent({ keepAlive: true, maxSockets: 20 })
  t.teardown(() => agent.destroy())
  const outcomes = { answered: 0, refused: 0, cut: 0, closing: 0 }
  let stopping = false
  const count = (outcome: keyof typeof outcomes) => {
    outcomes[outcome] += 1
  }
  const request = () =>
    new Promise<void>((resolve) => {
      const end = (outcome: keyof typeof outcomes) => {
        count(outcome)
        resolve()
      }
      get(`${base}/users`, { agent }, (response) => {
        if (response.headers.connection === 'close') count('closing')
        response.resume()
        response.on('end', () => end('answered')).on('error', () => end('cut'))
      }).on('error', ({ message }: Error) => {
        // A connection that the stopped server no longer takes, or one it had closed while idle.
        end(stopping && /ECONNREFUSED|socket hang up|ECONNRESET/.test(message) ? 'refused' : 'cut')
      })
    })
  let running = true
  const clients = Array.from({ length: 20 }, async () => {
    while (running && outcomes.refused < 200) await request()
  })
  while (outcomes.answered <= 20) await new Promise((resolve) => setTimeout(resolve, 10))
  stopping = true
  const begun = performance.now()
  server.child.kill('SIGTERM')
  t.equal(await server.exited, 0)
  const took = performance.now() - begun
  running = false
  await Promise.all(clients)
  t.ok(took < 2000, `ended in ${took.toFixed(0)} ms`)
  t.equal(outcomes.cut, 0)
  t.comment(JSON.stringify(outcomes))
})
