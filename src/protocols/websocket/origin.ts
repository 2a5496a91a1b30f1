/** Pages of other origins: browsers let any of them open a WebSocket, cookies and local network included. */

import { Problem } from '../../errors.ts'

/** Why a page may not connect; nothing for one that may, and for clients that are no pages (RFC 6455 section 10.2). */
export function refusalOfOrigin(
  origin: string | undefined,
  host: string | undefined,
  allowed: readonly string[],
): Problem | undefined {
  if (origin === undefined || allowed.includes('*') || allowed.includes(origin)) return undefined
  const url = URL.parse(origin)
  if (url !== null && url.host !== '' && url.host === host) return undefined
  return new Problem('forbidden', 'Pages of this origin may not connect: see CORS_ORIGINS')
}
