/** What every engine must do: one suite, run against each of them on real databases. */

import { coherence } from './conformance/coherence.ts'
import { events } from './conformance/events.ts'
import { groups } from './conformance/groups.ts'
import { idempotency } from './conformance/idempotency.ts'
import { lifecycle } from './conformance/lifecycle.ts'
import { migrations } from './conformance/migrations.ts'
import { pages } from './conformance/pages.ts'
import { rows } from './conformance/rows.ts'
import type { NewDatabase } from './setup.ts'

/** Runs every case, each on a new database. */
export function conformance(engine: string, create: NewDatabase): void {
  for (const cases of [rows, groups, pages, idempotency, migrations, lifecycle, coherence, events])
    cases(engine, create)
}
