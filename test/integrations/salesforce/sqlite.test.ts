import { twoWay } from './two-way.ts'
import { backFills } from './two-way-back-fill.ts'
import { refusals } from './two-way-refusals.ts'

for (const suite of [twoWay, refusals, backFills]) suite('SQLite', async () => ({}))
