import t from 'tap'
import { temporaryFolder } from '../../helper.ts'
import { startPostgres } from '../../storage/postgres-server.ts'
import { attempts } from './attempts.ts'
import { customers } from './customers.ts'
import { payments } from './payments.ts'
import type { NewDatabase } from './setup.ts'
import { webhooks } from './webhooks.ts'

const server = await startPostgres(t)
const database: NewDatabase = async (test) => ({
  DATABASE_URL: await server.database(),
  DATA_DIR: temporaryFolder(test),
})

payments('PostgreSQL', database)

attempts('PostgreSQL', database)
webhooks('PostgreSQL', database)
customers('PostgreSQL', database)
