import t from 'tap'
import { temporaryFolder } from '../helper.ts'
import { startPostgres } from '../storage/postgres-server.ts'
import { rooms } from './conformance.ts'

const server = await startPostgres(t)
const settings = { DATABASE_URL: await server.database(), DATA_DIR: temporaryFolder(t) }

await rooms({ engine: 'PostgreSQL', settings, shared: true })
