import { temporaryFolder } from '../../helper.ts'
import { mail } from './conformance.ts'

mail('SQLite', async (t) => ({ DATA_DIR: temporaryFolder(t) }))
