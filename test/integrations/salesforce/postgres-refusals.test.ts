import t from 'tap'
import { startPostgres } from '../../storage/postgres-server.ts'
import { backFills } from './two-way-back-fill.ts'
import { refusals } from './two-way-refusals.ts'

const server = await startPostgres(t)

for (const suite of [refusals, backFills]) suite('PostgreSQL', async () => ({ DATABASE_URL: await server.database() }))
