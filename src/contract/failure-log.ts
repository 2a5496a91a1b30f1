/** What Fastify itself logs of requests: failures that no error handler sees, and nothing else. */

import { type FastifyReply, type FastifyRequest, LogController } from 'fastify'

export class FailureLog extends LogController {
  constructor() {
    super({ disableRequestLogging: true })
  }

  /** A stream that fails behind the head of its reply can only be cut off. That a client has gone is no failure. */
  override streamError(error: Error & { code?: string }, _request: FastifyRequest, { log }: FastifyReply): void {
    if (error.code !== 'ERR_STREAM_PREMATURE_CLOSE') log.error({ err: error }, 'The reply was cut off')
  }
}
