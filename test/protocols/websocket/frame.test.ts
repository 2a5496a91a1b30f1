import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { test } from 'tap'
import WebSocket, { WebSocketServer } from 'ws'
import { textFrames } from '../../../src/protocols/websocket/frame.ts'

test('texts of every length arrive as they were, each as a message of its own', async (t) => {
  const lengths = [0, 1, 125, 126, 127, 65_535, 65_536, 100_000]
  const texts = [...lengths.map((length) => 'x'.repeat(length)), 'é'.repeat(63), '€'.repeat(30_000), '👩🏽‍🚀', '\0', '']
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  t.teardown(() => server.close())
  server.on('connection', (_accepted, { socket }) => {
    for (const text of texts) socket.write(textFrames([text]))
    socket.write(textFrames(texts))
  })
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const client = new WebSocket(`ws://127.0.0.1:${port}`)
  t.teardown(() => client.terminate())
  const got: string[] = []
  client.on('message', (data, isBinary) => {
    got.push(isBinary ? 'binary' : String(data))
    if (got.length === 2 * texts.length) client.close()
  })
  await once(client, 'close')
  t.same(got, [...texts, ...texts])
})
