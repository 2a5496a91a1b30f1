import { temporaryFolder } from '../helper.ts'
import { rooms } from './conformance.ts'

rooms('SQLite', async (t) => ({ DATA_DIR: temporaryFolder(t) }))
