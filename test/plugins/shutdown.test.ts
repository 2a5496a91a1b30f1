import { once } from 'node:events'
import { connect } from 'node:net'
import { test } from 'tap'
import { listen } from '../helper.ts'

test('connections that have said nothing, or nothing more, do not hold up a stop', async (t) => {
  const { app, base } = await listen(t)
  const open = async (text = '') => {
    const socket = connect(Number(new URL(base).port), '127.0.0.1')
    t.teardown(() => socket.destroy())
    await once(socket, 'connect')
    if (text !== '') socket.write(text)
    return socket
  }
  const silent = await open()
  const idle = await open('GET /users HTTP/1.1\r\nHost: localhost\r\n\r\n')
  await once(idle, 'data')
  const ended = [silent, idle].map((socket) => once(socket.resume(), 'close'))
  await Promise.all([app.close(), ...ended])
  t.equal(app.server.listening, false)
})
