import { execFile } from 'node:child_process'
import { readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { test } from 'tap'
import { ownSecret } from '../../src/auth/own-secret.ts'
import { temporaryFolder } from '../helper.ts'

test('a secret is made once, in a folder and a file that only their user reads', (t) => {
  const folder = join(temporaryFolder(t), 'data')
  const secret = ownSecret(folder)
  t.match(secret, /^[\w-]{43}$/)
  t.equal(ownSecret(folder), secret)
  t.same(readdirSync(folder), ['secret'])
  t.equal(statSync(folder).mode & 0o777, 0o700)
  t.equal(statSync(join(folder, 'secret')).mode & 0o777, 0o600)
  t.end()
})

test('processes that start together have one secret', async (t) => {
  const folder = temporaryFolder(t)
  const module = join(import.meta.dirname, '../../src/auth/own-secret.ts')
  const program = `import(${JSON.stringify(module)}).then(({ ownSecret }) => console.log(ownSecret(process.argv[1])))`
  const start = () => promisify(execFile)(process.execPath, ['-e', program, folder])
  const secrets = (await Promise.all([start(), start(), start()])).map(({ stdout }) => stdout.trim())
  t.match(secrets[0], /^[\w-]{43}$/)
  t.equal(new Set(secrets).size, 1)
  t.same(readdirSync(folder), ['secret'])
})

test('a file that was emptied or cut short is refused by its name, and left as it is', (t) => {
  const folder = temporaryFolder(t)
  const file = join(folder, 'secret')
  for (const text of ['', ' \n', 'too short a secret']) {
    writeFileSync(file, text)
    t.throws(() => ownSecret(folder), {
      name: 'ConfigError',
      message: `${file} holds ${text.trim().length} characters`,
    })
    t.equal(statSync(file).size, text.length)
  }
  t.end()
})
