/** A WebSocket client for tests, which awaits answers by id. */

import { once } from 'node:events'
import type { Test } from 'tap'
import WebSocket, { type ClientOptions } from 'ws'

export interface Answer {
  jsonrpc: '2.0'
  id: string | number | null
  // biome-ignore lint/suspicious/noExplicitAny: what a server says is what the test looks at
  result?: any
  // biome-ignore lint/suspicious/noExplicitAny: as above
  error?: any
  meta?: Record<string, string>
}

/** What a subscription has told. */
export interface Notice {
  method: string
  params: {
    subscription: string
    cursor: string
    event: { type: string; subject: string; sequence: string; data: Record<string, unknown> }
    error: { code: number; data: { code: string } }
  }
}

export class Client {
  /** Notifications, in their order. */
  readonly notices: Notice[] = []

  readonly socket: WebSocket
  readonly #waiting: ((text: string) => void)[] = []
  readonly #texts: string[] = []
  #count = 0
  #onNotice: () => void = () => {}

  constructor(url: string, protocols?: string | string[], options?: ClientOptions) {
    this.socket = new WebSocket(url, protocols, options)
    this.socket.on('error', () => {})
    this.socket.on('message', (data) => {
      const text = String(data)
      if (text.startsWith('{"jsonrpc":"2.0","method":')) {
        this.notices.push(JSON.parse(text) as Notice)
        this.#onNotice()
        return
      }
      const next = this.#waiting.shift()
      if (next) next(text)
      else this.#texts.push(text)
    })
  }

  /** The next message. */
  next(): Promise<string> {
    const text = this.#texts.shift()
    return text === undefined ? new Promise((resolve) => this.#waiting.push(resolve)) : Promise.resolve(text)
  }

  async send(message: unknown): Promise<Answer> {
    this.socket.send(typeof message === 'string' ? message : JSON.stringify(message))
    return JSON.parse(await this.next()) as Answer
  }

  call(method: string, params: unknown = {}, more: object = {}): Promise<Answer> {
    this.#count += 1
    return this.send({ jsonrpc: '2.0', id: this.#count, method, params, ...more })
  }

  /** Waits until there are so many notifications. */
  async told(count: number): Promise<readonly Notice[]> {
    while (this.notices.length < count) {
      await new Promise<void>((resolve) => {
        this.#onNotice = resolve
      })
    }
    return this.notices
  }

  /** Code and reason of the close. */
  async closed(): Promise<[code: number, reason: string]> {
    const [code, reason] = (await once(this.socket, 'close')) as [number, Buffer]
    return [code, String(reason)]
  }
}

export async function connect(
  t: Test,
  base: string,
  options: ClientOptions = {},
  protocols: string | string[] = 'jsonrpc-2.0',
): Promise<Client> {
  const client = new Client(`${base.replace('http', 'ws')}/ws`, protocols, options)
  t.teardown(() => client.socket.terminate())
  await once(client.socket, 'open')
  return client
}

/** Status of an upgrade that is refused. */
export async function refused(base: string, options: ClientOptions = {}, protocols?: string[]): Promise<number> {
  const client = new Client(`${base.replace('http', 'ws')}/ws`, protocols, options)
  const [, response] = (await once(client.socket, 'unexpected-response')) as [unknown, { statusCode: number }]
  client.socket.terminate()
  return response.statusCode
}
