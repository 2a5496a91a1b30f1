/** JSON-RPC over a WebSocket. */

import { connect } from '../../protocols/websocket/client.ts'
import { type Client, metaNames, problemOf, type Wire } from './client.ts'

export const jsonRpc: Wire = {
  name: 'JSON-RPC over WebSocket',
  differences: [],
  async open(t, base) {
    const { socket } = await connect(t, base)
    const client = new RpcClient((text) => socket.send(text))
    socket.removeAllListeners('message')
    socket.on('message', (data) => client.take(String(data)))
    return client
  },
}

/** JSON-RPC, whatever carries its texts. */
export class RpcClient implements Client {
  readonly #send: (text: string) => void
  readonly #waiting = new Map<unknown, (answer: Answer) => void>()
  #count = 0

  constructor(send: (text: string) => void) {
    this.#send = send
  }

  take(text: string): void {
    const answer = JSON.parse(text) as Answer
    this.#waiting.get(answer.id)?.(answer)
    this.#waiting.delete(answer.id)
  }

  async call(...[method, params = {}, meta]: Parameters<Client['call']>): ReturnType<Client['call']> {
    this.#count += 1
    const id = this.#count
    const answer = await new Promise<Answer>((resolve) => {
      this.#waiting.set(id, resolve)
      this.#send(JSON.stringify({ jsonrpc: '2.0', id, method, params, meta }))
    })
    const told = Object.fromEntries(Object.entries(answer.meta ?? {}).filter(([name]) => metaNames.includes(name)))
    if (answer.error) return { problem: problemOf(answer.error.data), meta: told }
    return { value: answer.result, meta: told }
  }
}

interface Answer {
  id: number
  result?: unknown
  error?: { data: Parameters<typeof problemOf>[0] }
  meta?: Record<string, string>
}
