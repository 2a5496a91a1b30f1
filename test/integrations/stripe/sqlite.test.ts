import { temporaryFolder } from '../../helper.ts'
import { attempts } from './attempts.ts'
import { payments } from './payments.ts'
import type { NewDatabase } from './setup.ts'
import { webhooks } from './webhooks.ts'

const database: NewDatabase = async (t) => ({ DATA_DIR: temporaryFolder(t) })

payments('SQLite', database)

attempts('SQLite', database)
webhooks('SQLite', database)
