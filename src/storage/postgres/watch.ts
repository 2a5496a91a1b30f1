/** How a process hears of the events that others have written: NOTIFY after their commit, and a look each second. */

import pg from 'pg'

const channel = 'septet_events'
/** A look at least this often, in ms: whoever has written may have died before it could tell. */
const lookEvery = 1000
/** One NOTIFY for all that is written within this time, in ms: one a write takes a fifth of the writes. */
const tellEvery = 5

export class Watch {
  readonly #settings: pg.ClientConfig
  readonly #onChange: () => void
  readonly #timer: NodeJS.Timeout
  #client: pg.Client | undefined
  #telling: NodeJS.Timeout | undefined
  #closed = false

  constructor(settings: pg.ClientConfig, onChange: () => void) {
    this.#settings = settings
    this.#onChange = onChange
    this.#timer = setInterval(() => this.#look(), lookEvery).unref()
    void this.#connect()
  }

  /** Tells the other processes, once for all writes of the next moment. */
  tell(): void {
    this.#telling ??= setTimeout(() => {
      this.#telling = undefined
      // A lost connection is made again by the next look, and the others look by themselves too.
      this.#client?.query(`notify ${channel}`).catch(() => {})
    }, tellEvery)
  }

  async close(): Promise<void> {
    this.#closed = true
    clearInterval(this.#timer)
    clearTimeout(this.#telling)
    await this.#client?.end().catch(() => {})
  }

  #look(): void {
    if (this.#client === undefined) void this.#connect()
    this.#onChange()
  }

  async #connect(): Promise<void> {
    const client = new pg.Client(this.#settings)
    const lose = () => {
      if (this.#client === client) this.#client = undefined
    }
    client.on('error', lose)
    client.on('end', lose)
    client.on('notification', () => this.#onChange())
    this.#client = client
    try {
      await client.connect()
      await client.query(`listen ${channel}`)
      // What was told while nobody listened.
      this.#onChange()
    } catch {
      lose()
    }
    if (this.#closed) await client.end().catch(() => {})
  }
}
