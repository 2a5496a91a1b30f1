/** JSON-RPC over a WebSocket. */

import { connect } from '../../protocols/websocket/client.ts'
import { metaNames, problemOf, type Wire } from './client.ts'

export const jsonRpc: Wire = {
  name: 'JSON-RPC over WebSocket',
  differences: [],
  async open(t, base) {
    const client = await connect(t, base)
    const waiting = new Map<unknown, (answer: Answer) => void>()
    client.socket.removeAllListeners('message')
    client.socket.on('message', (data) => {
      const answer = JSON.parse(String(data)) as Answer
      waiting.get(answer.id)?.(answer)
      waiting.delete(answer.id)
    })
    let count = 0
    return {
      async call(method, params = {}, meta) {
        const id = ++count
        const answer = await new Promise<Answer>((resolve) => {
          waiting.set(id, resolve)
          client.socket.send(JSON.stringify({ jsonrpc: '2.0', id, method, params, meta }))
        })
        const told = Object.fromEntries(Object.entries(answer.meta ?? {}).filter(([name]) => metaNames.includes(name)))
        if (answer.error) return { problem: problemOf(answer.error.data), meta: told }
        return { value: answer.result, meta: told }
      },
    }
  },
}

interface Answer {
  id: number
  result?: unknown
  error?: { data: Parameters<typeof problemOf>[0] }
  meta?: Record<string, string>
}
