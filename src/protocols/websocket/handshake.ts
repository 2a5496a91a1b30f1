/** What is asked of an upgrade before it is accepted (RFC 6455 section 4.2). */

import type { IncomingHttpHeaders } from 'node:http'
import type { Subprotocol } from '../../contract/conversation.ts'
import { Problem } from '../../errors.ts'

/** Of the protocol (RFC 6455 section 4.1); 8 is that of a draft. */
const version = '13'
/** 16 bytes in base64. */
const keyForm = /^[A-Za-z\d+/]{22}==$/
/** RFC 9110 section 5.6.2. */
const token = /^[!#$%&'*+\-.^_`|~\w]+$/

type Spoken = Pick<Subprotocol, 'name' | 'required'>

/** Why this is no handshake; nothing where it is one. A version that is not spoken is told those that are (section 4.4). */
export function refusalOfHandshake(
  headers: IncomingHttpHeaders,
  isUpgrade: boolean,
  spoken: Spoken,
): Problem | undefined {
  if (!isUpgrade) return upgradeRequired('WebSockets are opened here: see the README')
  if (headers['sec-websocket-version'] !== version) return upgradeRequired(`WebSockets have version ${version} here`)
  if (!keyForm.test(headers['sec-websocket-key'] ?? ''))
    return new Problem('malformed-request', 'Sec-WebSocket-Key holds 16 bytes in base64')
  return refusalOfSubprotocol(headers['sec-websocket-protocol'], spoken)
}

/** RFC 9110 section 15.5.22. */
function upgradeRequired(detail: string): Problem {
  const headers = { upgrade: 'websocket', connection: 'upgrade, close', 'sec-websocket-version': version }
  return new Problem('upgrade-required', detail, { headers })
}

/** Why these subprotocols will not do; nothing where one does, or none is offered and none needed. */
function refusalOfSubprotocol(offered: string | undefined, { name: spoken, required }: Spoken): Problem | undefined {
  if (offered === undefined) return required ? otherSpoken(spoken) : undefined
  const names = offered.split(',').map((name) => name.trim())
  if (!names.every((name) => token.test(name)) || new Set(names).size < names.length)
    return new Problem('malformed-request', 'Sec-WebSocket-Protocol holds names, each once, separated by commas')
  return names.includes(spoken) ? undefined : otherSpoken(spoken)
}

function otherSpoken(spoken: string): Problem {
  return new Problem('malformed-request', `The subprotocol that is spoken here is ${spoken}`)
}

/**
 * Why a page may not connect; nothing for one that may, and for clients that are no pages (RFC 6455 section 10.2):
 * browsers let pages of any origin open a WebSocket, also into the network that only the user can reach.
 */
export function refusalOfOrigin(
  { origin, host }: Pick<IncomingHttpHeaders, 'origin' | 'host'>,
  allowed: readonly string[],
): Problem | undefined {
  if (origin === undefined || allowed.includes('*') || allowed.includes(origin)) return undefined
  const url = URL.parse(origin)
  if (url !== null && url.host !== '' && url.host === host?.toLowerCase()) return undefined
  return new Problem('forbidden', 'Pages of this origin may not connect: see CORS_ORIGINS')
}
