// Plain JavaScript, so that an older Node can read it and say what to do.
import module from 'node:module'
import { join } from 'node:path'

const major = Number(process.versions.node.split('.', 1)[0])
if (major < 24) {
  console.error(
    `Septet needs Node 24 or newer, this is ${process.version}. \`npm start\` runs the one that \`npm ci\` installed.`,
  )
  process.exit(1)
}
// Compiled code is kept between starts; without it each start loads the type stripper and parses everything anew.
module.enableCompileCache(join(import.meta.dirname, '../node_modules/.cache/septet'))
await import('./server.ts')
