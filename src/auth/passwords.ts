/** Passwords at rest: Argon2id (RFC 9106) with the parameters of OWASP, hashed on threads of their own, few at a time. */

import { availableParallelism } from 'node:os'
import { Problem } from '../errors.ts'
import { type HashParameters, PasswordThread } from './password-thread.ts'
import { type Attempt, locked, networkOf } from './throttle.ts'

/** 19 MiB, two passes, one lane; the library's default algorithm is Argon2id. */
const parameters: HashParameters = { memoryCost: 19_456, timeCost: 2, parallelism: 1 }

/** Each takes a core and 19 MiB for some 10 ms. One core is left to the requests beside them. */
const atOnceHere = Math.min(2, Math.max(1, availableParallelism() - 1))
const mostWaiting = 128
/** Of one caller's network: it cannot keep all others from signing in. */
const mostWaitingOfOne = 16

/** How a hash with these parameters begins, in the string format of PHC. */
const current = `$argon2id$v=19$m=${parameters.memoryCost},t=${parameters.timeCost},p=${parameters.parallelism}$`

/** Of no password: its verification takes as long as that of a stored one. */
const nobodys = `${current}${'A'.repeat(22)}$${'A'.repeat(43)}`

/** What a caller may do while it has its turn. */
export interface Turn {
  hash(password: string): Promise<string>
  /** Whether the password has this hash. Without one it takes the same time and says no. */
  verify(stored: string | null | undefined, password: string): Promise<boolean>
}

export class Passwords {
  readonly #atOnce: number
  /** Threads are started when they are first needed, and kept. */
  readonly #idle: PasswordThread[] = []
  #running = 0
  #computed = 0
  readonly #waiting: { network: string; next: () => void }[] = []

  constructor(atOnce = atOnceHere) {
    this.#atOnce = atOnce
  }

  /** Hashes computed so far, verifications among them. */
  get computed(): number {
    return this.#computed
  }

  /** Callers that wait for their turn. */
  get waiting(): number {
    return this.#waiting.length
  }

  hash(password: string, caller: Pick<Attempt, 'ip'>): Promise<string> {
    return this.inTurn(caller, (turn) => turn.hash(password))
  }

  /**
   * Runs a task for a caller once there is room for it. What must be checked right before a password is belongs into
   * the task.
   *
   * @throws {Problem} `rate-limited` when too many of the caller's network wait already; `unavailable` when too many do.
   */
  async inTurn<Result>({ ip }: Pick<Attempt, 'ip'>, task: (turn: Turn) => Promise<Result>): Promise<Result> {
    if (this.#running >= this.#atOnce) await this.#wait(networkOf(ip))
    else this.#running += 1
    try {
      const thread = this.#thread()
      // Before the turn goes on: the next one finds the thread.
      return await task(this.#turnOn(thread)).finally(() => this.#idle.push(thread))
    } finally {
      // The turn goes to the one who waits longest, and is free only when nobody does.
      const waiter = this.#waiting.shift()
      if (waiter) waiter.next()
      else this.#running -= 1
    }
  }

  /** Ends the threads, when no task runs any more. */
  async close(): Promise<void> {
    await Promise.all(this.#idle.splice(0).map((thread) => thread.end()))
  }

  async #wait(network: string): Promise<void> {
    if (this.#waiting.filter((waiter) => waiter.network === network).length >= mostWaitingOfOne) throw locked(1000)
    if (this.#waiting.length >= mostWaiting) {
      throw new Problem('unavailable', 'Too many passwords wait to be checked', { headers: { 'retry-after': '1' } })
    }
    await new Promise<void>((next) => this.#waiting.push({ network, next }))
  }

  /** One that is idle and has not died, else another. */
  #thread(): PasswordThread {
    let thread = this.#idle.pop()
    while (thread?.ended) thread = this.#idle.pop()
    return thread ?? new PasswordThread()
  }

  #turnOn(thread: PasswordThread): Turn {
    return {
      hash: (password) => {
        this.#computed += 1
        return thread.hash(normalise(password), parameters)
      },
      verify: async (stored, password) => {
        this.#computed += 1
        const right = await thread.verify(stored ?? nobodys, normalise(password))
        return right && typeof stored === 'string'
      },
    }
  }
}

/** Whether a hash was made with other parameters than those in force. */
export function isOutdated(stored: string): boolean {
  return !stored.startsWith(current)
}

/** One password, however a keyboard composes its letters (NIST SP 800-63B section 3.1.1.2). */
export function normalise(password: string): string {
  return password.normalize('NFKC')
}
