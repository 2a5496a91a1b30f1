/** One pipelined connection for single-statement reads, made anew after it is lost. */

import pg from 'pg'
import { translate } from './errors.ts'

export class Reader {
  readonly #settings: pg.ClientConfig
  #connecting: Promise<pg.Client> | undefined

  constructor(settings: pg.ClientConfig) {
    this.#settings = { ...settings, pipeline: true }
  }

  /** Runs a read. Lost with its connection, it is asked once more on a new one: it changes nothing. */
  async query(query: pg.QueryConfig): Promise<pg.QueryResult> {
    try {
      return await this.#once(query)
    } catch (error) {
      if (error instanceof pg.DatabaseError && !error.code?.startsWith('57P')) throw translate(error)
    }
    try {
      return await this.#once(query)
    } catch (error) {
      throw translate(error)
    }
  }

  async close(): Promise<void> {
    const client = await this.#connecting?.catch(() => undefined)
    this.#connecting = undefined
    await client?.end()
  }

  async #once(query: pg.QueryConfig): Promise<pg.QueryResult> {
    this.#connecting ??= this.#connect()
    return (await this.#connecting).query(query)
  }

  async #connect(): Promise<pg.Client> {
    const client = new pg.Client(this.#settings)
    const forget = () => {
      this.#connecting = undefined
    }
    client.on('error', forget)
    client.on('end', forget)
    try {
      await client.connect()
    } catch (error) {
      forget()
      throw error
    }
    return client
  }
}
