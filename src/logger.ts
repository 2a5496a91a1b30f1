/** Structured logs: JSON lines through one buffered stream, secrets removed, a child a request only when it logs. */

import type { FastifyBaseLogger } from 'fastify'
import pino from 'pino'
import type { Config } from './config.ts'

export interface Log {
  logger: FastifyBaseLogger
  /** Writes one finished line beside the logger's own. */
  write: (line: string) => void
  flush: () => void
}

/** Wherever these stand in a logged object, up to two levels deep, their values are not written. */
const secrets = ['authorization', 'cookie', 'password', 'secret', 'token', 'apiKey', '["x-api-key"]', '["set-cookie"]']
const redact = secrets.flatMap((name) => {
  const member = name.startsWith('[') ? name : `.${name}`
  return [name, `*${member}`, `*.*${member}`]
})

/** Logs to standard output, or to a stream given by a test. Lines reach it within 100 ms, or on `flush`. */
export function createLog({ LOG_LEVEL }: Pick<Config, 'LOG_LEVEL'>, stream?: { write: (line: string) => void }): Log {
  const options: pino.LoggerOptions = { level: LOG_LEVEL, base: null, redact: { paths: redact, censor: '[redacted]' } }
  if (stream) return { logger: pino(options, stream), write: (line) => stream.write(line), flush: () => {} }
  const destination = pino.destination({ dest: 1, sync: false, minLength: 4096, periodicFlush: 100 })
  return {
    logger: pino(options, destination),
    write: (line) => destination.write(line),
    flush: () => destination.flushSync(),
  }
}

type Bindings = Record<string, unknown>

/**
 * A request's logger, made when it first logs: most requests never do, and a pino child costs more than
 * the rest of the routing.
 */
export class LazyLogger implements FastifyBaseLogger {
  readonly #parent: FastifyBaseLogger
  readonly #bindings: Bindings
  #child: FastifyBaseLogger | undefined

  constructor(parent: FastifyBaseLogger, bindings: Bindings) {
    this.#parent = parent
    this.#bindings = bindings
  }

  get #logger(): FastifyBaseLogger {
    this.#child ??= this.#parent.child(this.#bindings)
    return this.#child
  }

  get level(): string {
    return this.#logger.level
  }

  set level(level: string) {
    this.#logger.level = level
  }

  get fatal(): FastifyBaseLogger['fatal'] {
    return this.#logger.fatal.bind(this.#logger)
  }

  get error(): FastifyBaseLogger['error'] {
    return this.#logger.error.bind(this.#logger)
  }

  get warn(): FastifyBaseLogger['warn'] {
    return this.#logger.warn.bind(this.#logger)
  }

  get info(): FastifyBaseLogger['info'] {
    return this.#logger.info.bind(this.#logger)
  }

  get debug(): FastifyBaseLogger['debug'] {
    return this.#logger.debug.bind(this.#logger)
  }

  get trace(): FastifyBaseLogger['trace'] {
    return this.#logger.trace.bind(this.#logger)
  }

  get silent(): FastifyBaseLogger['silent'] {
    return this.#logger.silent.bind(this.#logger)
  }

  child(bindings: Bindings): FastifyBaseLogger {
    return this.#logger.child(bindings)
  }
}
