/** How a connector brings a service to what a subject is now, whatever order events come in. */

import type { Eventually } from '../contract/eventually.ts'

/** A subject that changes this often while it is sent is left to its next event. */
const mostRounds = 5

/**
 * Reads what there is, sends it, and reads again: had it changed meanwhile, it is sent again. Whoever sends last has then
 * sent what is there, also where another process sends at the same time.
 */
export async function settled<Current>(
  read: () => Eventually<Current>,
  send: (current: Current) => Promise<void>,
): Promise<void> {
  let current = await read()
  for (let round = 1; ; round += 1) {
    await send(current)
    const now = await read()
    if (JSON.stringify(now) === JSON.stringify(current)) return
    if (round === mostRounds) throw new Error('the subject changes faster than it is sent')
    current = now
  }
}
