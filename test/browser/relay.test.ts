import { test } from 'tap'
import { IceCredentials } from '../../src/rooms/ice-credentials.ts'
import { until } from '../storage/setup.ts'
import { openCall, patience } from './call-setup.ts'
import { skip } from './chromium.ts'
import { skipTurn, startTurn, turnSecret } from './turn-server.ts'

const needs = { skip: skip || skipTurn }
const ann = { kind: 'user', id: 'user:1', scopes: new Set<string>(), userId: 1 } as const

/** Kinds of the candidates that a browser finds with these servers, and what they refuse. */
const gathering = (iceServers: unknown) => `new Promise((resolve) => {
  const found = { types: [], errors: [] }
  const connection = new RTCPeerConnection({ iceServers: ${JSON.stringify(iceServers)}, iceTransportPolicy: 'relay' })
  connection.createDataChannel('any')
  connection.onicecandidateerror = ({ errorCode }) => found.errors.push(errorCode)
  connection.onicecandidate = ({ candidate }) => candidate?.type && found.types.push(candidate.type)
  connection.onicegatheringstatechange = () => {
    if (connection.iceGatheringState === 'complete') resolve(found)
  }
  connection.setLocalDescription()
})`

test(
  'a call through coturn alone, with credentials of this server; found again when coturn was away',
  needs,
  async (t) => {
    const turn = await startTurn(t)
    const { base, room, callers } = await openCall(t, { TURN_URLS: turn.url, TURN_SECRET: turnSecret })
    await callers[0].join(base, room, '?relay')
    await callers[1].join(base, room, '?relay')
    const relayed = { local: 'relay', remote: 'relay' }
    t.match(await Promise.all(callers.map((caller) => caller.flows())), [relayed, relayed])

    await turn.stop()
    const lost = async () => (await callers[0].flow()).state === 'failed'
    await until(lost, 'the connection has failed', 3 * patience)
    await turn.start()
    t.match(
      await Promise.all(callers.map((caller) => caller.flows(3 * patience))),
      [relayed, relayed],
      'ICE begins anew',
    )
    t.match(await callers[0].member(), { joins: 1 }, 'and the place was kept')
  },
)

test('credentials that have expired, or were made with another secret, are refused by coturn', needs, async (t) => {
  const turn = await startTurn(t)
  const { base, callers } = await openCall(t)
  const [{ page }] = callers
  await page.goto(`${base}/call`)
  const gathered = (secret: string, lifetime: number) => {
    const { iceServers } = new IceCredentials({ stun: [], turn: [turn.url], secret, lifetime }).for(ann)
    return page.evaluate<{ types: string[]; errors: number[] }>(gathering(iceServers))
  }
  t.match((await gathered(turnSecret, 60_000)).types, ['relay'])
  for (const refused of [await gathered(turnSecret, -60_000), await gathered('south of the harbour', 60_000)]) {
    t.same(refused.types, [])
    t.match(refused.errors, [401])
  }
})
