/** Deleting, or changing, what may be much: one statement for all of it would hold the writer for as long as that takes. */

import type { Arguments, Statement, Storage } from './storage.ts'

/**
 * Runs a statement that deletes or settles at most `limit` rows and gives them, until there are fewer.
 *
 * @param argumentsOf Asked for before each portion.
 */
export async function runInPortions(
  engine: Storage,
  statement: Statement,
  limit: number,
  argumentsOf: () => Arguments,
): Promise<void> {
  for (let left = true; left; ) {
    const [gone] = await engine.write([[statement, { ...argumentsOf(), limit }]])
    left = gone?.length === limit
  }
}
