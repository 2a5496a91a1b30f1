/**
 * The native library, which is loaded for the first offer: a server that nobody calls so does not pay for it. It has
 * threads of its own, which have to be ended before the process can; all servers of a process share them.
 */

import type * as DataChannels from 'node-datachannel'

export type Library = typeof DataChannels

let users = 0

/** Calls back, and hands on what is thrown: the library would end the process with it. */
export function safely<Given extends unknown[]>(
  work: (...given: Given) => void,
  failed: (error: unknown) => void,
): (...given: Given) => void {
  return (...given) => {
    try {
      work(...given)
    } catch (error) {
      failed(error)
    }
  }
}

/** Loads it, and keeps it until `release`. */
export async function hold(): Promise<Library> {
  users += 1
  try {
    return await import('node-datachannel')
  } catch (error) {
    users -= 1
    throw error
  }
}

/** Ends its threads with the last that holds it; every connection has to be closed by then. */
export function release({ cleanup }: Library, failed: (error: unknown) => void): void {
  users -= 1
  if (users === 0) safely(cleanup, failed)()
}
