/** The access log's line, joined by hand: through the logger it costs as much as the request itself. */

import type { FastifyReply, FastifyRequest } from 'fastify'

const plain = /^[\w\-./~%]*$/

/** The line's beginning changes once a millisecond. */
let begun = 0
let beginning = ''

/** What a call of another wire brings along. */
interface Carrier {
  carried?: { wire: string | undefined }
  shownPath?: string
}

/** The member that names a wire, by its name; there are as many as wires. */
const wireMembers = new Map<string | undefined, string>([[undefined, '']])

function wireMember(wire: string | undefined): string {
  const known = wireMembers.get(wire)
  if (known !== undefined) return known
  const member = `,"wire":${JSON.stringify(wire)}`
  wireMembers.set(wire, member)
  return member
}

/** A JSON line in the logger's format: level 30, `time`, `reqId`, `method`, `path`, `status`, `ms`, `ip`, and `wire` where the call came in on another than HTTP. */
export function accessLine(request: FastifyRequest, { statusCode, elapsedTime }: FastifyReply): string {
  const now = Date.now()
  if (now !== begun) {
    begun = now
    beginning = `{"level":30,"time":${now},"reqId":"`
  }
  const { id, method, ip } = request
  const { carried, shownPath } = request.raw as Carrier
  const path = shownPath ?? pathOf(request.url)
  const quoted = plain.test(path) ? `"${path}"` : asciiJson(path)
  const ms = Math.round(elapsedTime * 100) / 100
  const wire = carried === undefined ? '' : wireMember(carried.wire)
  return `${beginning}${id}","method":"${method}","path":${quoted},"status":${statusCode},"ms":${ms},"ip":"${ip}"${wire},"msg":"request"}\n`
}

function pathOf(url: string): string {
  const end = url.indexOf('?')
  return end === -1 ? url : url.slice(0, end)
}

/** Lines are written as Latin-1, and a path that came with a message of another wire may hold any letter. */
function asciiJson(text: string): string {
  return JSON.stringify(text).replace(
    /[\u0080-\uffff]/g,
    (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
