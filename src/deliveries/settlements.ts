/** How attempts ended, written together: one commit for all that end in one turn of the event loop. */

import { Problem } from '../errors.ts'
import type { Command, Storage } from '../storage/storage.ts'

/** After a failed write, in ms. */
const retryAfter = 1000

interface Settlement {
  commands: readonly Command[]
  done: () => void
}

export class Settlements {
  readonly #engine: Storage
  readonly #onError: (error: unknown) => void
  #waiting: Settlement[] = []
  #running: Promise<void> | undefined

  constructor(engine: Storage, onError: (error: unknown) => void) {
    this.#engine = engine
    this.#onError = onError
  }

  /**
   * Resolves once the commands are durable. They rest on a lease each, and expect no rows: what another process has
   * taken meanwhile is left alone, and a database that fails for a time may be asked again.
   */
  write(commands: readonly Command[]): Promise<void> {
    return new Promise((done) => {
      this.#waiting.push({ commands, done })
      this.#running ??= this.#run()
    })
  }

  async #run(): Promise<void> {
    // Whatever else ends in this turn comes along.
    await new Promise((resolve) => setImmediate(resolve))
    while (this.#waiting.length > 0) {
      const group = this.#waiting
      this.#waiting = []
      try {
        await this.#engine.write(group.flatMap(({ commands }) => commands))
        for (const { done } of group) done()
      } catch (error) {
        this.#onError(error)
        if (error instanceof Problem) await this.#putBack(group)
        else await this.#writeEach(group)
      }
    }
    this.#running = undefined
  }

  /** The database cannot be used now. */
  async #putBack(group: readonly Settlement[]): Promise<void> {
    this.#waiting = [...group, ...this.#waiting]
    await new Promise((resolve) => setTimeout(resolve, retryAfter).unref())
  }

  /** One of them cannot be written: it must not hold back the others, and its lease runs out. */
  async #writeEach(group: readonly Settlement[]): Promise<void> {
    for (const { commands, done } of group) {
      await this.#engine.write(commands).catch(this.#onError)
      done()
    }
  }
}
