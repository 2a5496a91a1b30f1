import { temporaryFolder } from '../../helper.ts'
import { customers } from './customers.ts'
import { faults } from './faults.ts'
import type { NewDatabase } from './setup.ts'

const database: NewDatabase = async (t) => ({ DATA_DIR: temporaryFolder(t) })

faults('SQLite', database)
customers('SQLite', database)
