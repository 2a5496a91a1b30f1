import t from 'tap'
import { temporaryFolder } from '../../helper.ts'
import { startPostgres } from '../../storage/postgres-server.ts'
import { doubts } from './doubts.ts'
import { left } from './left.ts'
import type { NewDatabase } from './setup.ts'

const server = await startPostgres(t)
const database: NewDatabase = async (test) => ({
  DATABASE_URL: await server.database(),
  DATA_DIR: temporaryFolder(test),
})

doubts('PostgreSQL', database)
left('PostgreSQL', database)
