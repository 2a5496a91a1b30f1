import t from 'tap'
import { temporaryFolder } from '../helper.ts'
import { startPostgres } from '../storage/postgres-server.ts'
import { connectors } from './conformance.ts'

const server = await startPostgres(t)

connectors('PostgreSQL', async (test) => ({ DATABASE_URL: await server.database(), DATA_DIR: temporaryFolder(test) }))
