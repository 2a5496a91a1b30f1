/** SIGKILL between what Salesforce does and what the server keeps of it: each effect happens once, nothing is lost. */

import { test } from 'tap'
import { temporaryFolder } from '../../helper.ts'
import { adminKeyOf } from '../../keys.ts'
import { endLeases, startServer } from '../../storage/server-process.ts'
import { startSalesforce } from './counterpart.ts'
import { privateKey, secret, settingsFor } from './setup.ts'
import { until } from './whole.ts'

interface Status {
  out: { waiting: number; dead: number }
}

const names = ['First', 'Second', 'Third']

test('a process that is killed when Salesforce has acted makes no contact twice, and loses no change', async (t) => {
  for (const way of [{}, { SALESFORCE_WEBHOOK_SECRET: secret }]) {
    const crm = await startSalesforce(t, privateKey)
    const folder = temporaryFolder(t)
    const settings = { ...(settingsFor(crm) as Record<string, string>), ...way, DATA_DIR: folder }
    const waits = { WEBHOOK_WAITS: `0 ${'0.1 '.repeat(20).trim()}`, WEBHOOK_TIMEOUT: '1000' }
    let server = await startServer(t, { ...settings, ...waits })
    const headers = { 'x-api-key': adminKeyOf(folder), 'content-type': 'application/json' }
    const call = async (method: string, path: string, body?: object) => {
      const sent = { method, headers, ...(body && { body: JSON.stringify(body) }) }
      return (await (await fetch(`${server.base}${path}`, sent)).json()) as Status
    }
    const kills: Promise<void>[] = []
    crm.fail(({ method }) => {
      if (method !== 'PATCH' || kills.length === names.length) return undefined
      kills.push(server.end('SIGKILL'))
      return 'acts and drops'
    })
    for (const [index, name] of names.entries()) {
      const change = { name, email: 'one@example.com' }
      // It may be killed before it has answered.
      await call(index === 0 ? 'POST' : 'PATCH', index === 0 ? '/users' : '/users/1', change).catch(() => undefined)
      await until(
        () => kills.length,
        (count) => count > index,
      )
      await kills[index]
      endLeases(folder)
      server = await startServer(t, { ...settings, ...waits })
    }
    await until(
      () => call('GET', '/connectors/salesforce'),
      ({ out }) => out.waiting === 0,
    )
    t.match(await call('GET', '/connectors/salesforce'), { out: { dead: 0 } })
    t.match(crm.org.contacts, [{ LastName: 'Third' }])
    t.match(await call('GET', '/users/1'), { name: 'Third' })
    await server.end('SIGTERM')
  }
})
