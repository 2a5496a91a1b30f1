import { test } from 'tap'
import { ConnectorTarget, type TargetSettings, targetOf } from '../../src/connectors/connector-target.ts'

test('an attempt takes as long as the connector says, or as a WebHook does', async (t) => {
  const longest = (timeout: number | undefined) => {
    const connector = { name: 'sheet', ...(timeout !== undefined && { timeout }) }
    const target = new ConnectorTarget({ connector, timeout: 15_000 } as unknown as TargetSettings)
    return (['out', 'in'] as const).map((direction) => target.timeoutOf(targetOf('sheet', direction)))
  }
  t.same(longest(undefined), [15_000, 15_000])
  t.same(longest(60_000), [60_000, 60_000])
})
