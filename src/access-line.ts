/** The access log's line, joined by hand: through the logger it costs as much as the request itself. */

import type { FastifyReply, FastifyRequest } from 'fastify'

const plain = /^[\w\-./~%]*$/

/** The line's beginning changes once a millisecond. */
let begun = 0
let beginning = ''

/** What a call of another wire brings along. */
interface Carrier {
  carried?: { wire: string }
}

const http = { wire: '' }

/** The member that names a wire; nothing for HTTP. */
export function wireMember(wire: string | undefined): string {
  return wire === undefined ? '' : `,"wire":${JSON.stringify(wire)}`
}

/** A JSON line in the logger's format: level 30, `time`, `reqId`, `method`, `path`, `status`, `ms`, `ip`, and `wire` where the call came in on another than HTTP. */
export function accessLine(
  { id, method, url, ip, raw }: FastifyRequest,
  { statusCode, elapsedTime }: FastifyReply,
): string {
  const now = Date.now()
  if (now !== begun) {
    begun = now
    beginning = `{"level":30,"time":${now},"reqId":"`
  }
  const end = url.indexOf('?')
  const path = end === -1 ? url : url.slice(0, end)
  const quoted = plain.test(path) ? `"${path}"` : asciiJson(path)
  const ms = Math.round(elapsedTime * 100) / 100
  const { wire } = (raw as Carrier).carried ?? http
  return `${beginning}${id}","method":"${method}","path":${quoted},"status":${statusCode},"ms":${ms},"ip":"${ip}"${wire},"msg":"request"}\n`
}

/** Lines are written as Latin-1, and a path that came with a message of another wire may hold any letter. */
function asciiJson(text: string): string {
  return JSON.stringify(text).replace(
    /[\u0080-\uffff]/g,
    (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
