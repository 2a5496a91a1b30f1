/** A body parser of Fastify as a plain function. */

import type { FastifyBodyParser } from 'fastify'

/**
 * Parses texts as the body parser does, so that what REST refuses is refused here too.
 *
 * @throws what the parser gives as error.
 */
export function createParse(parser: FastifyBodyParser<string>): (text: string) => unknown {
  const parse = parser as unknown as (request: undefined, text: string, done: typeof settle) => void
  let error: Error | null
  let value: unknown
  // It answers before it returns.
  function settle(failed: Error | null, parsed?: unknown): void {
    error = failed
    value = parsed
  }
  return (text) => {
    parse(undefined, text, settle)
    if (error) throw error
    return value
  }
}
