/** Ids that tie a problem document to its log lines; a caller that sends `X-Request-Id` knows them before. */

import { randomBytes } from 'node:crypto'
import type { IncomingMessage } from 'node:http'

const acceptable = /^[\w.:-]{1,128}$/

/** Takes the caller's `X-Request-Id` where it is safe to log, else counts on from a random start. */
export function createRequestIds(): (request: Pick<IncomingMessage, 'headers'>) => string {
  const prefix = randomBytes(6).toString('base64url').replaceAll(/[-_]/g, 'x')
  let count = 0
  return ({ headers }) => {
    const given = headers['x-request-id']
    if (given !== undefined && acceptable.test(given as string)) return given as string
    count += 1
    return `${prefix}-${count.toString(36)}`
  }
}
