import t from 'tap'
import { startPostgres } from '../../storage/postgres-server.ts'
import { twoWay } from './two-way.ts'

const server = await startPostgres(t)

twoWay('PostgreSQL', async () => ({ DATABASE_URL: await server.database() }))
