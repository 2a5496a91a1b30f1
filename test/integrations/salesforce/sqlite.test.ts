import { twoWay } from './two-way.ts'

twoWay('SQLite', async () => ({}))
