import t from 'tap'
import { temporaryFolder } from '../helper.ts'
import { startPostgres } from '../storage/postgres-server.ts'
import { rooms } from './conformance.ts'

const server = await startPostgres(t)

rooms('PostgreSQL', async (test) => ({ DATABASE_URL: await server.database(), DATA_DIR: temporaryFolder(test) }))
