import type { Test } from 'tap'
import { openSqlite } from '../../src/storage/sqlite/index.ts'
import { temporaryFolder } from '../helper.ts'
import { deliveries } from './conformance.ts'

deliveries('SQLite', async (t: Test) => {
  const folder = temporaryFolder(t)
  return { open: () => openSqlite(folder), settings: { DATA_DIR: folder } }
})
