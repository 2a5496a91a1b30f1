/** Work that goes on after its request was answered. */

export class Afterwards {
  readonly #running = new Set<Promise<void>>()

  /** Told when work fails: there is nobody else to tell. */
  onError: (error: unknown) => void = () => {}

  run(work: () => Promise<void>): void {
    const running: Promise<void> = work()
      .catch((error: unknown) => this.onError(error))
      .finally(() => this.#running.delete(running))
    this.#running.add(running)
  }

  /** When nothing is left to do. */
  async done(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running)
  }
}
