/** Which addresses the server may call for others: public ones alone, and those that the operator allows. */

import { isIP } from 'node:net'
import ipaddr from 'ipaddr.js'

/** IPv6 that routers of the Internet know (RFC 4291 section 2.4); everything else is special. */
const globalUnicast = ipaddr.IPv6.parseCIDR('2000::/3')

/** Inside what is global by its number, networks that lead elsewhere or nowhere (IANA special-purpose registries). */
const special = [
  // Assignments of protocols, Teredo and ORCHID among them; then documentation, 6to4, documentation again.
  '2001::/23',
  '2001:db8::/32',
  '2002::/16',
  '3fff::/20',
  // Azure answers its machines here, with secrets, on an address that is public by its number.
  '168.63.129.16/32',
  '192.88.99.0/24',
].map((network) => ipaddr.parseCIDR(network))

type Network = ReturnType<typeof ipaddr.parseCIDR>
type Address = ReturnType<typeof ipaddr.parse>

/** Whether anybody on the Internet is meant by this address: not this machine, not its network, not its cloud. */
export function isPublic(address: string): boolean {
  const parsed = parse(address)
  if (parsed === undefined) return false
  if (special.some((network) => within(parsed, network))) return false
  return parsed.kind() === 'ipv4' ? parsed.range() === 'unicast' : within(parsed, [...globalUnicast] as Network)
}

/** What an operator allows beside public addresses: names of hosts, addresses and networks. */
export class AllowList {
  readonly #hosts = new Set<string>()
  readonly #networks: Network[] = []

  /** @throws {RangeError} for an entry that is none of these. */
  constructor(entries: readonly string[]) {
    for (const entry of entries) {
      const network = networkOf(entry)
      if (network) this.#networks.push(network)
      else if (/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/i.test(entry)) this.#hosts.add(entry.toLowerCase())
      else throw new RangeError(`"${entry}" is no host, address or network`)
    }
  }

  /** Whether a host is allowed by its name, wherever that leads, or as the address that it is. */
  hasHost(host: string): boolean {
    const name = unbracketed(host)
    return this.#hosts.has(name.toLowerCase()) || this.hasAddress(name)
  }

  hasAddress(address: string): boolean {
    const parsed = parse(address)
    return parsed !== undefined && this.#networks.some((network) => within(parsed, network))
  }
}

/** The host of a URL without the brackets of IPv6. */
export function unbracketed(host: string): string {
  return host.startsWith('[') ? host.slice(1, -1) : host
}

/** IPv4 that is written as IPv6 (`::ffff:10.0.0.1`) is IPv4. What a zone follows is on a link, and not taken. */
function parse(address: string): Address | undefined {
  if (isIP(address) === 0 || address.includes('%')) return undefined
  if (isIP(address) === 4) return ipaddr.parse(address)
  // In hexadecimal: ipaddr.js reads `::8.8.8.8` as if it were mapped.
  return ipaddr.process(unbracketed(new URL(`http://[${address}]`).hostname))
}

function networkOf(entry: string): Network | undefined {
  if (isIP(entry) !== 0) return networkOf(`${entry}/${isIP(entry) === 4 ? 32 : 128}`)
  return ipaddr.isValidCIDR(entry) ? ipaddr.parseCIDR(entry) : undefined
}

function within(address: Address, network: Network): boolean {
  return address.kind() === network[0].kind() && address.match(network as never)
}
