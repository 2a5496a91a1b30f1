import { test } from 'tap'
import { holdClock, hour } from '../auth/account-setup.ts'
import { machine, type OpenServer, openServer, reports } from '../auth/oauth-setup.ts'

const form = { grant_type: 'client_credentials', scope: 'users:read' }
const paths = ['/oauth/token', '/oauth/introspect', '/oauth/revoke']

/** The entries, once everything that was under way is written. */
async function failures(server: OpenServer) {
  await new Promise((resolve) => setTimeout(resolve, 50))
  return server.audited('client-authentication.failed')
}

test('a client that cannot prove who it is is told of in the audit trail, with its reason and no secret', async (t) => {
  const server = await openServer(t)
  const client = await server.client(machine)
  const desk = await server.client({ ...reports, clientType: 'public', redirectUris: ['http://127.0.0.1/callback'] })
  for (const path of paths) await server.send(path, { ...client, clientSecret: 'sptc_wrong' }, { ...form, token: 'x' })
  await server.send('/oauth/token', { ...client, id: '0000000000000000' }, form)
  await server.send('/oauth/token', { ...desk, clientSecret: 'sptc_wrong' }, form)
  await server.send('/oauth/token', client, form)
  const about = { principal: 'anonymous', outcome: 'failure', address: '127.0.0.1' }
  const wrong = { ...about, target: `client:${client.id}`, detail: 'invalid secret provided' }
  const told = await failures(server)
  t.match(told, [
    wrong,
    wrong,
    wrong,
    { ...about, target: '', detail: 'client not found' },
    { target: `client:${desk.id}` },
  ])
  t.equal(told.length, 5)
  t.notMatch(JSON.stringify(told), /sptc_|0000000000000000/)
})

test('whoever fails again and again writes ten entries an hour', async (t) => {
  const advance = holdClock(t)
  const server = await openServer(t)
  const [client, other] = [await server.client(machine), await server.client(machine)]
  const fail = (id: string) => server.send('/oauth/token', { ...client, id, clientSecret: 'sptc_wrong' }, form)
  for (let count = 0; count < 12; count += 1) await fail(client.id)
  for (let count = 0; count < 12; count += 1) await fail(count.toString(16).padStart(16, '0'))
  await fail(other.id)
  const ofClient = (told: { target?: unknown }[]) => told.filter(({ target }) => target === `client:${client.id}`)
  t.equal((await failures(server)).length, 21, 'one client, unknown ones together, another client')
  t.match(ofClient(await failures(server)).at(-1), { detail: /more of the next hour are not told/ })
  advance(hour)
  await fail(client.id)
  t.equal(ofClient(await failures(server)).length, 11)
})
