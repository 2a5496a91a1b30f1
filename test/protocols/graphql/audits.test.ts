import { serverAudits } from 'graphql-http'
import { test } from 'tap'
import { listen } from '../../helper.ts'

test('every audit of GraphQL over HTTP passes, those of what a server should do too', async (t) => {
  const { base } = await listen(t)
  const audits = serverAudits({ url: `${base}/graphql` })
  t.ok(audits.length >= 60)
  for (const audit of audits) {
    const result = await audit.fn()
    t.equal(result.status, 'ok', `${audit.name}${'reason' in result ? `: ${result.reason}` : ''}`)
  }
})
