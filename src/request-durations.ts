/** The request histogram, its label sets resolved once. */

import { Histogram, type Registry } from 'prom-client'

type Observe = (seconds: number) => void

export class RequestDurations {
  readonly #histogram: Histogram<'method' | 'route' | 'status'>
  readonly #observers = new Map<string, Map<number, Observe>>()

  constructor(registry: Registry) {
    this.#histogram = new Histogram({
      name: 'http_request_duration_seconds',
      help: 'Time from the arrival of a request to the end of its reply.',
      labelNames: ['method', 'route', 'status'],
      buckets: [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5],
      registers: [registry],
    })
  }

  /** Counts a request that took this long, in ms. `route` is the pattern: there are as many as routes. */
  observe(method: string, route: string, status: number, duration: number): void {
    const observe = this.#observers.get(`${method} ${route}`)?.get(status) ?? this.#resolve(method, route, status)
    observe(duration / 1000)
  }

  #resolve(method: string, route: string, status: number): Observe {
    const { observe } = this.#histogram.labels(method, route, String(status))
    const key = `${method} ${route}`
    const statuses = this.#observers.get(key) ?? new Map<number, Observe>()
    this.#observers.set(key, statuses.set(status, observe))
    return observe
  }
}
