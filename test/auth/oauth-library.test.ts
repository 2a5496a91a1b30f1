import { createRequire } from 'node:module'
import { test } from 'tap'
import { build, temporaryFolder } from '../helper.ts'
import { startServer } from '../storage/server-process.ts'

test('the library is loaded by the first request to it', async (t) => {
  const { cache } = createRequire(import.meta.url)
  const isLoaded = () => Object.keys(cache).some((file) => /node_modules.koa.lib/.test(file))
  const { app } = await build(t)
  t.equal((await app.inject('/users')).statusCode, 200)
  t.equal(isLoaded(), false)
  t.equal((await app.inject('/.well-known/openid-configuration')).statusCode, 200)
  t.equal(isLoaded(), true)
})

test('the library says nothing on the console', async (t) => {
  const { base, child, end } = await startServer(t, { DATA_DIR: temporaryFolder(t) })
  const said: string[] = []
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (text) => said.push(String(text)))
  t.equal((await fetch(`${base}/.well-known/openid-configuration`)).status, 200)
  t.equal((await fetch(`${base}/oauth/token`, { method: 'POST', body: new URLSearchParams() })).status, 400)
  t.equal((await fetch(`${base}/oauth/authorize?client_id=x`, { headers: { accept: 'text/html' } })).status, 400)
  t.equal((await fetch(`${base}/oauth/userinfo`)).status, 401)
  await end('SIGTERM')
  t.notMatch(said.join(''), /oidc|notice|warning/i)
})
