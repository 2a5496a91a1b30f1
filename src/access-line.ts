/** The access log's line, joined by hand: through the logger it costs as much as the request itself. */

import type { FastifyReply, FastifyRequest } from 'fastify'

const plain = /^[\w\-./~%]*$/

/** The line's beginning changes once a millisecond. */
let begun = 0
let beginning = ''

/** A JSON line in the logger's format: level 30, `time`, `reqId`, `method`, `path`, `status`, `ms`, `ip`. */
export function accessLine({ id, method, url, ip }: FastifyRequest, { statusCode, elapsedTime }: FastifyReply): string {
  const now = Date.now()
  if (now !== begun) {
    begun = now
    beginning = `{"level":30,"time":${now},"reqId":"`
  }
  const end = url.indexOf('?')
  const path = end === -1 ? url : url.slice(0, end)
  const quoted = plain.test(path) ? `"${path}"` : asciiJson(path)
  const ms = Math.round(elapsedTime * 100) / 100
  return `${beginning}${id}","method":"${method}","path":${quoted},"status":${statusCode},"ms":${ms},"ip":"${ip}","msg":"request"}\n`
}

/** Lines are written as Latin-1, and a path that came with a message of another wire may hold any letter. */
function asciiJson(text: string): string {
  return JSON.stringify(text).replace(
    /[\u0080-\uffff]/g,
    (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
