/** Who waits for what happens. */

import { setTimeout as sleep } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import type { Test } from 'tap'

/** Beside the fan-out of deliveries. */
export function listeners({ events }: FastifyInstance): number {
  return events.feed.waiting - 1
}

/** A count becomes what is expected, within some seconds. */
export async function settled(t: Test, value: () => number, expected: number, message: string): Promise<void> {
  for (let tries = 0; value() !== expected && tries < 200; tries += 1) await sleep(20)
  t.equal(value(), expected, message)
}
