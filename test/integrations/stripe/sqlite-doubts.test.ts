import { temporaryFolder } from '../../helper.ts'
import { doubts } from './doubts.ts'
import { left } from './left.ts'
import type { NewDatabase } from './setup.ts'

const database: NewDatabase = async (t) => ({ DATA_DIR: temporaryFolder(t) })

doubts('SQLite', database)
left('SQLite', database)
