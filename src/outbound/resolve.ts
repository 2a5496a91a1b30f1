/** The addresses of public names, asked of the name servers. */

import type { LookupAddress, LookupOptions } from 'node:dns'
import { Resolver } from 'node:dns/promises'

/** Gives all addresses of a host, as `dns.lookup` does with `all`. */
export type Resolve = (
  host: string,
  options: LookupOptions & { all: true },
  done: (error: Error | null, addresses: LookupAddress[]) => void,
) => void

/** For one question to a name server, in ms, and how often it is asked. */
const patience = { timeout: 2000, tries: 2 }

/**
 * Not by `dns.lookup`, which keeps one of the few threads of the process for as long as nobody answers: a few dead
 * names would hold back all others. What only this machine knows (its `hosts` file) is no public name. `servers`: in
 * place of those that the machine asks.
 */
export function publicResolver(servers?: readonly string[]): Resolve {
  return (host, _options, done) => {
    const resolver = new Resolver(patience)
    if (servers) resolver.setServers(servers)
    Promise.allSettled([resolver.resolve4(host), resolver.resolve6(host)]).then(([four, six]) => {
      const addresses = [...addressesOf(four, 4), ...addressesOf(six, 6)]
      if (addresses.length > 0) return done(null, addresses)
      done(four.status === 'rejected' ? (four.reason as Error) : new Error(`${host} has no address`), [])
    })
  }
}

function addressesOf(answer: PromiseSettledResult<string[]>, family: 4 | 6): LookupAddress[] {
  return answer.status === 'fulfilled' ? answer.value.map((address) => ({ address, family })) : []
}
