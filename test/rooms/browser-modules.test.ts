import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { test } from 'tap'
import { build } from '../helper.ts'

const folder = join(import.meta.dirname, '../../src/rooms/browser')
const tsc = join(import.meta.dirname, '../../node_modules/typescript/bin/tsc')

test('modules for browsers are served as they are, and to anybody', async (t) => {
  const { app } = await build(t, { ANONYMOUS_SCOPES: 'none' })
  for (const url of ['/rtc/call.js', '/rtc/peer.js']) {
    const { statusCode, headers, body } = await app.inject({ url })
    t.match({ statusCode, type: headers['content-type'] }, { statusCode: 200, type: 'text/javascript; charset=utf-8' })
    t.match(body, /^export class /m)
    for (const [, imported] of body.matchAll(/from '(\..+)'/g)) {
      t.equal((await app.inject({ url: new URL(imported ?? '', `http://x${url}`).pathname })).statusCode, 200)
    }
  }
})

test('the types in their comments are those of the browser', async (t) => {
  const files = ['call.js', 'peer.js'].map((name) => join(folder, name))
  const strict = ['--allowJs', '--checkJs', '--strict', '--noEmit', '--ignoreConfig', '--types', '']
  const target = ['--target', 'es2024', '--module', 'nodenext', '--lib', 'es2024,dom,dom.iterable']
  const run = promisify(execFile)(process.execPath, [tsc, ...strict, ...target, ...files])
  t.equal((await run.catch((error: { stdout: string }) => error)).stdout, '')
})
