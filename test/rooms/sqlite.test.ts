import t from 'tap'
import { temporaryFolder } from '../helper.ts'
import { rooms } from './conformance.ts'

await rooms({ engine: 'SQLite', settings: { DATA_DIR: temporaryFolder(t) }, shared: false })
