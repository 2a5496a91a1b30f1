/** The `X-Forwarded-For` header as it may be believed: addresses, and nothing else. */

import { isIP } from 'node:net'

/** An IPv4 address, or an IPv6 one in brackets, with the port that some gateways add. */
const withPort = /^(?:(\d{1,3}(?:\.\d{1,3}){3})|\[([0-9a-f:.]+)\])(?::\d{1,5})?$/i

/**
 * The header without ports; nothing when any part is no address: what a proxy did not write is not told from what it
 * did, and would become a caller's address in logs, limits and the audit trail.
 */
export function cleanForwardedFor(header: string): string | undefined {
  const addresses = header.split(',').map((part) => {
    const [, v4, v6] = withPort.exec(part.trim()) ?? []
    return v4 ?? v6 ?? part.trim()
  })
  return addresses.every((address) => isIP(address) !== 0) ? addresses.join(', ') : undefined
}
