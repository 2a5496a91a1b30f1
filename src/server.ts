/**
 * Starts the server, says where it answers, and stops it gracefully. With `migrate` as argument it migrates only, with
 * `admin-key` it makes a further admin key only.
 */

import { lookup } from 'node:dns/promises'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { FastifyInstance } from 'fastify'
import { createApp } from './app.ts'
import { adminKeyFile, newAdminKey } from './auth/admin-key.ts'
import { type Config, ConfigError, readConfig } from './config.ts'
import { ContractError } from './contract/contract-error.ts'
import { readCertificate } from './contract/secure-server.ts'
import { createLog, type Log } from './logger.ts'
import { MigrationError } from './storage/migrations.ts'

try {
  const config = readConfig(process.env)
  const log = createLog(config)
  const [, , command] = process.argv
  if (command === 'migrate') await run(config, log, tellAdminKey)
  else if (command === 'admin-key') await run(config, log, makeAdminKey)
  else if (command === undefined) await serve(config, log)
  else throw new ConfigError(`${command} is no command; there are migrate and admin-key`)
} catch (error) {
  process.stderr.write(`septet: ${explain(error as NodeJS.ErrnoException)}\n`)
  process.exit(1)
}

async function serve(config: Config, log: Log): Promise<void> {
  const fastify = await createApp(config, log)
  await tryRtc(fastify)
  const [first = config.HOST, ...others] = await addressesOf(config.HOST)
  if (config.GRPC_PORT !== undefined) {
    await fastify.ready()
    await fastify.grpcPort.listen([first, ...others], config.GRPC_PORT, readCertificate(config))
  }
  const base = await fastify.listen({ host: first, port: config.PORT, listenTextResolver: () => 'listening' })
  const { port } = fastify.server.address() as AddressInfo
  for (const host of others) await fastify.alsoListen(host, port)
  announce(fastify, base)
  log.flush()
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stop(fastify, log, signal))
}

/** An address of another machine is a wrong setting; ports that others have may be free again, as those of a process that stops. */
async function tryRtc({ config, webRtc, log }: FastifyInstance): Promise<void> {
  if (config.RTC_HOST === undefined && config.RTC_PORTS === undefined) return
  try {
    await webRtc.check()
  } catch (error) {
    const { code, message } = (error as Error).cause as NodeJS.ErrnoException
    if (code === 'EADDRNOTAVAIL') throw new ConfigError(`RTC_HOST is no address of this machine: ${message}`)
    log.warn({ err: error }, 'no peer of WebRTC can be served at the moment')
  }
}

/** `localhost` may have two addresses, and clients take either. */
async function addressesOf(host: string): Promise<string[]> {
  if (host !== 'localhost') return [host]
  const found = await lookup(host, { all: true })
  return [...new Set(found.map(({ address }) => address))]
}

/** Does one thing on an up-to-date database, without listening. */
async function run(config: Config, log: Log, task: (fastify: FastifyInstance) => Promise<void> | void): Promise<void> {
  const fastify = await createApp(config, log)
  await fastify.ready()
  await task(fastify)
  await fastify.close()
  log.flush()
}

async function makeAdminKey({ apiKeys, storage, config }: FastifyInstance): Promise<void> {
  const key = apiKeys.first ?? (await newAdminKey(storage.engine, apiKeys, config.DATA_DIR))
  process.stdout.write(`${key}\n`)
}

function announce(fastify: FastifyInstance, base: string): void {
  const { config, log } = fastify
  if (config.NODE_ENV === 'production') log.info({ base }, 'ready')
  else process.stdout.write(`Septet answers:\n${stylesAt(base, config).join('\n')}\n`)
  tellAdminKey(fastify)
}

/** Where to begin with each style. */
function stylesAt(base: string, { GRPC_PORT, HOST }: Config): string[] {
  const { host } = new URL(base)
  const styles = {
    REST: `${base}/users`,
    GraphQL: `${base}/graphiql`,
    gRPC: GRPC_PORT === undefined ? host : `${HOST}:${GRPC_PORT}`,
    SOAP: `${base}/soap?wsdl`,
    WebSocket: `${base.replace('http', 'ws')}/ws`,
    WebRTC: `${base}/rtc`,
    events: `${base}/events`,
    docs: `${base}/docs`,
  }
  return Object.entries(styles).map(([style, address]) => `  ${style.padEnd(9)}  ${address}`)
}

function tellAdminKey({ apiKeys, config }: FastifyInstance): void {
  if (apiKeys.first === undefined) return
  const file = join(config.DATA_DIR, adminKeyFile)
  process.stdout.write(`The admin key, shown this once and kept in ${file}:\n  ${apiKeys.first}\n`)
}

/** Lets requests in flight finish; a second signal, or the time limit, ends the process at once. */
async function stop(fastify: FastifyInstance, log: Log, signal: NodeJS.Signals): Promise<void> {
  const end = (code: number) => {
    log.flush()
    process.exit(code)
  }
  process.once('SIGTERM', () => end(1)).once('SIGINT', () => end(1))
  fastify.log.info({ signal }, 'stopping')
  setTimeout(() => {
    fastify.log.error('requests in flight were cut off')
    end(1)
  }, fastify.config.SHUTDOWN_TIMEOUT).unref()
  await fastify.close().then(
    () => end(0),
    (error: unknown) => {
      fastify.log.error({ err: error }, 'the stop failed')
      end(1)
    },
  )
}

/** One line that names the setting to change. */
function explain(error: NodeJS.ErrnoException): string {
  if (error instanceof ConfigError || error instanceof ContractError) return error.message
  const { PORT = '8080', GRPC_PORT, HOST = '127.0.0.1', DATA_DIR = 'data' } = process.env
  const { port } = error as { port?: number }
  const setting = GRPC_PORT === String(port) ? 'GRPC_PORT' : 'PORT'
  switch (error.code) {
    case 'EADDRINUSE':
      return `${setting} ${port ?? PORT} is in use on ${HOST}; stop the other program or set ${setting}`
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return `HOST ${HOST} is not an address of this machine`
    case 'EACCES':
      if (error.syscall === 'listen')
        return `${setting} ${port ?? PORT} needs more rights; set ${setting} to 1024 or above`
  }
  const database = process.env.DATABASE_URL ? 'DATABASE_URL' : `DATA_DIR ${DATA_DIR}`
  if (error instanceof MigrationError) return `${database}: ${error.message}`
  const cause = error.cause instanceof Error ? `: ${error.cause.message}` : ''
  if (error.code === 'unavailable' || isStorage(error)) return `${database} cannot be used: ${error.message}${cause}`
  return error.stack ?? String(error)
}

function isStorage({ code = '', syscall = '' }: NodeJS.ErrnoException): boolean {
  return code.startsWith('SQLITE_') || syscall === 'mkdir' || /^(EACCES|EROFS|ENOSPC|ENOTDIR|EEXIST|ENOENT)$/.test(code)
}
