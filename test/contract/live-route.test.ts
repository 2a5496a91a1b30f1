import { join } from 'node:path'
import type { OpenAPIV3_1 } from 'openapi-types'
import { test } from 'tap'
import { parse } from 'yaml'
import { build, listen } from '../helper.ts'
import { connect } from '../protocols/websocket/client.ts'

const routes = join(import.meta.dirname, 'live-routes')

test('a second live route needs nothing more to be subscribed to on every wire', async (t) => {
  const { base } = await listen(t, {}, routes)
  const client = await connect(t, base)
  const answer = await client.call('subscribe', { operation: 'listTicks', cursor: '4' })
  t.match(answer, { result: { subscription: '1', cursor: '0000000000000004' } })
  t.match(await client.told(4), [
    { method: 'event', params: { event: { number: 5 } } },
    { method: 'event', params: { event: { number: 6 } } },
    { method: 'event', params: { event: { number: 7 } } },
    { method: 'subscriptionEnded', params: { cursor: '0000000000000007', error: { data: { code: 'gone' } } } },
  ])
  const headers = { accept: 'text/event-stream', 'content-type': 'application/json' }
  const sent = await (await fetch(`${base}/ticks?cursor=4`, { headers })).text()
  t.match(sent, /id: 0000000000000005\ndata: \{"number":5\}\n\n/)
  const body = JSON.stringify({ query: 'subscription { listTicks(cursor: "4") { number } }' })
  const told = await (await fetch(`${base}/graphql`, { method: 'POST', headers, body })).text()
  const next = (data: string) => `event: next\ndata: {"data":{"listTicks":{"number":${data}}}}\n\n`
  t.ok(told.includes(next('5') + next('6') + next('7')), told)
  t.match(told, /event: next\ndata: .*"GONE".*\n\nevent: complete\ndata:\n\n$/)
})

test('it stands in every document as what it is, and as no event', async (t) => {
  const { app } = await build(t, {}, routes)
  const { components, operations } = parse(app.webSockets.document)
  t.match(components.messages.listTicksItem.payload.properties.params.properties.event, { $ref: /\/Tick$/ })
  const inputs = components.messages.subscribeRequest.payload.properties.params.anyOf
  t.same(
    inputs.map(({ required = [] }) => required),
    [[], ['operation']],
  )
  t.ok(operations.notify.messages.some(({ $ref }: { $ref: string }) => $ref.endsWith('/listTicksItem')))
  t.match(app.graphql.sdl, /type Subscription \{[^}]*listTicks\(/)
  const ticks = (app.swagger() as OpenAPIV3_1.Document).paths?.['/ticks']?.get
  t.match(ticks?.responses?.[200], { content: { 'text/event-stream': {} } })
  t.notMatch(ticks?.description, 'user.created')
})
