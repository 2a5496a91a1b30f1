import { temporaryFolder } from '../helper.ts'
import { connectors } from './conformance.ts'

connectors('SQLite', async (t) => ({ DATA_DIR: temporaryFolder(t) }))
