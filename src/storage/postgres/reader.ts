/** One pipelined connection for single-statement reads, made anew after it is lost. */

import pg from 'pg'
import { isLost, translate } from './errors.ts'

export class Reader {
  readonly #settings: pg.ClientConfig
  #connecting: Promise<pg.Client> | undefined

  constructor(settings: pg.ClientConfig) {
    this.#settings = { ...settings, pipeline: true }
  }

  /** Runs a read. Lost with its connection, it is asked once more on a new one: it changes nothing. */
  async query(query: pg.QueryConfig): Promise<pg.QueryResult> {
    const connecting = this.#connected()
    try {
      return await (await connecting).query(query)
    } catch (error) {
      if (!isLost(error)) throw translate(error)
      // One that answers too late is not gone yet.
      this.#forget(connecting)
    }
    try {
      return await (await this.#connected()).query(query)
    } catch (error) {
      throw translate(error)
    }
  }

  async close(): Promise<void> {
    const client = await this.#connecting?.catch(() => undefined)
    this.#connecting = undefined
    await client?.end()
  }

  #connected(): Promise<pg.Client> {
    this.#connecting ??= this.#connect()
    return this.#connecting
  }

  #connect(): Promise<pg.Client> {
    const client = new pg.Client(this.#settings)
    const connecting = client.connect().then(() => client)
    const forget = () => this.#forget(connecting)
    client.on('error', forget)
    client.on('end', forget)
    connecting.catch(forget)
    return connecting
  }

  /** A lost connection reports itself more than once, the last time perhaps when the next one is there already. */
  #forget(connecting: Promise<pg.Client>): void {
    if (this.#connecting === connecting) this.#connecting = undefined
  }
}
