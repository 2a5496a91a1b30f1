import t, { type Test } from 'tap'
import { openPostgres } from '../../src/storage/postgres/index.ts'
import { temporaryFolder } from '../helper.ts'
import { startPostgres } from '../storage/postgres-server.ts'
import { deliveries } from './conformance.ts'

const server = await startPostgres(t)

deliveries('PostgreSQL', async (t: Test) => {
  const url = await server.database()
  return { open: () => openPostgres(url), settings: { DATABASE_URL: url, DATA_DIR: temporaryFolder(t) } }
})
