/** Structured logs: JSON lines through one buffered stream, secrets removed, a child a request only when it logs. */

import type { FastifyBaseLogger } from 'fastify'
import pino from 'pino'
import type { Config } from './config.ts'

export interface Log {
  logger: FastifyBaseLogger
  /** Writes one finished line beside the logger's own: Latin-1, and 64 kB at most. */
  write: (line: string) => void
  flush: () => void
}

/** Wherever these stand in a logged object, up to two levels deep, their values are not written. */
const secrets = [
  'authorization',
  'cookie',
  'password',
  'currentPassword',
  'newPassword',
  'secret',
  'clientSecret',
  'token',
  'accessToken',
  'refreshToken',
  'apiKey',
  '["x-api-key"]',
  '["set-cookie"]',
]
const redact = secrets.flatMap((name) => {
  const member = name.startsWith('[') ? name : `.${name}`
  return [name, `*${member}`, `*.*${member}`]
})

/** Logs to standard output, or to a stream given by a test. Lines reach it within 50 ms, or on `flush`. */
export function createLog({ LOG_LEVEL }: Pick<Config, 'LOG_LEVEL'>, stream?: { write: (line: string) => void }): Log {
  const options: pino.LoggerOptions = { level: LOG_LEVEL, base: null, redact: { paths: redact, censor: '[redacted]' } }
  if (stream)
    return { logger: new LazyLogger(() => pino(options, stream)), write: (line) => stream.write(line), flush: () => {} }
  const destination = pino.destination({ dest: 1, sync: false })
  const lines = new LineBuffer((text) => destination.write(text))
  return {
    logger: new LazyLogger(() => pino(options, destination)),
    write: (line) => lines.add(line),
    flush: () => {
      lines.flush()
      destination.flushSync()
    },
  }
}

/** In bytes and in ms. */
const fullLength = 65_536
const longestWait = 50

/**
 * Joins lines, which are Latin-1, to one write each 64 kB or 50 ms. They are kept as bytes: as a string they would
 * stay in pieces until the write, and each write of the stream wakes a thread.
 */
class LineBuffer {
  readonly #write: (text: string) => void
  readonly #bytes = Buffer.allocUnsafeSlow(fullLength)
  #length = 0
  #timer: NodeJS.Timeout | undefined

  constructor(write: (text: string) => void) {
    this.#write = write
  }

  add(line: string): void {
    if (this.#length + line.length > fullLength) this.flush()
    this.#length += this.#bytes.write(line, this.#length, 'latin1')
    this.#timer ??= setTimeout(() => this.flush(), longestWait).unref()
  }

  flush(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#length > 0) this.#write(this.#bytes.toString('latin1', 0, this.#length))
    this.#length = 0
  }
}

/** An object and a message, or a message alone; pino's own overloads do not survive being passed on. */
type Line = [object: unknown, message?: string, ...values: unknown[]]

/**
 * A logger whose children are made when they first log: most requests never do, and a pino child costs more than
 * the rest of the routing.
 */
export class LazyLogger implements FastifyBaseLogger {
  readonly #make: () => FastifyBaseLogger
  #made: FastifyBaseLogger | undefined

  constructor(make: () => FastifyBaseLogger) {
    this.#make = make
  }

  get #logger(): FastifyBaseLogger {
    this.#made ??= this.#make()
    return this.#made
  }

  get level(): string {
    return this.#logger.level
  }

  set level(level: string) {
    this.#logger.level = level
  }

  fatal(...line: Line): void {
    this.#logger.fatal(...line)
  }

  error(...line: Line): void {
    this.#logger.error(...line)
  }

  warn(...line: Line): void {
    this.#logger.warn(...line)
  }

  info(...line: Line): void {
    this.#logger.info(...line)
  }

  debug(...line: Line): void {
    this.#logger.debug(...line)
  }

  trace(...line: Line): void {
    this.#logger.trace(...line)
  }

  silent(...line: Line): void {
    this.#logger.silent(...line)
  }

  child(...given: Parameters<FastifyBaseLogger['child']>): FastifyBaseLogger {
    return new LazyLogger(() => this.#logger.child(...given))
  }
}
