import t, { type Test } from 'tap'
import { openPostgres } from '../../src/storage/postgres/index.ts'
import { temporaryFolder } from '../helper.ts'
import { pages } from './conformance/pages.ts'
import { rows } from './conformance/rows.ts'
import { conformance } from './conformance.ts'
import { englishOrder, startPostgres } from './postgres-server.ts'

const server = await startPostgres(t)

const newDatabase = (options?: string) => async (t: Test) => {
  const url = await server.database(options)
  return { open: () => openPostgres(url), settings: { DATABASE_URL: url, DATA_DIR: temporaryFolder(t) } }
}

conformance('PostgreSQL', newDatabase())

// The order and the uniqueness are bytewise, whatever the database was created with.
rows('PostgreSQL in English order', newDatabase(englishOrder))
pages('PostgreSQL in English order', newDatabase(englishOrder))
