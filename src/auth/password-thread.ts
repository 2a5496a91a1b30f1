/**
 * A thread that hashes passwords. It is one of our own, so that it can give way: at a lower priority than the event loop,
 * reads beside it take no longer at their 99th percentile; on libuv's threads, three to ten times as long.
 */

import { Worker } from 'node:worker_threads'

export interface HashParameters {
  /** In KiB. */
  memoryCost: number
  timeCost: number
  parallelism: number
}

/** To hash a password, or to verify it against a stored hash. */
export type Job = { password: string; parameters: HashParameters } | { password: string; stored: string }
export type Answer = { value: string | boolean } | { error: string }

const gone = 'the thread that hashes passwords has ended'

export class PasswordThread {
  /** It needs no loader that the main thread was started with. */
  readonly #worker = new Worker(new URL('./password-worker.ts', import.meta.url), { execArgv: [] })
  #settle: { resolve: (value: string | boolean) => void; reject: (error: Error) => void } | undefined
  #ended = false

  constructor() {
    this.#worker.on('message', (answer: Answer) => {
      if ('value' in answer) this.#settle?.resolve(answer.value)
      else this.#settle?.reject(new Error(answer.error))
    })
    this.#worker.on('error', (error: Error) => {
      this.#ended = true
      this.#settle?.reject(error)
    })
    this.#worker.on('exit', () => {
      this.#ended = true
      this.#settle?.reject(new Error(gone))
    })
    // Listening has made it keep the process alive.
    this.#worker.unref()
  }

  /** Whether it takes no more jobs. */
  get ended(): boolean {
    return this.#ended
  }

  hash(password: string, parameters: HashParameters): Promise<string> {
    return this.#run({ password, parameters }) as Promise<string>
  }

  verify(stored: string, password: string): Promise<boolean> {
    return this.#run({ password, stored }) as Promise<boolean>
  }

  async end(): Promise<void> {
    await this.#worker.terminate()
  }

  /** One job at a time: the caller waits for the answer before the next. */
  async #run(job: Job): Promise<string | boolean> {
    if (this.#ended) throw new Error(gone)
    // A thread that is idle does not keep the process alive; one that owes an answer does.
    this.#worker.ref()
    try {
      return await new Promise((resolve, reject) => {
        this.#settle = { resolve, reject }
        this.#worker.postMessage(job)
      })
    } finally {
      this.#settle = undefined
      this.#worker.unref()
    }
  }
}
