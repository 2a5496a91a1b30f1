// Compiled code is kept between test processes, as it is between starts: each of them loads the whole server.
import module from 'node:module'
import { join } from 'node:path'

module.enableCompileCache(join(import.meta.dirname, '../node_modules/.cache/septet'))
