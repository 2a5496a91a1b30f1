/** The request histogram, its label sets resolved once. */

import { Histogram, type Registry } from 'prom-client'

/** Counts a request that took this long, in ms. */
export type Observe = (method: string, status: number, duration: number) => void

export class RequestDurations {
  readonly #histogram: Histogram<'method' | 'route' | 'status'>

  constructor(registry: Registry) {
    this.#histogram = new Histogram({
      name: 'http_request_duration_seconds',
      help: 'Time from the arrival of a request to the end of its reply.',
      labelNames: ['method', 'route', 'status'],
      buckets: [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5],
      registers: [registry],
    })
  }

  /** The counter of one route, named by its pattern: there are as many as routes. */
  observer(route: string): Observe {
    const resolved = new Map<string, Map<number, (seconds: number) => void>>()
    const resolve = (method: string, status: number) => {
      const { observe } = this.#histogram.labels(method, route, String(status))
      resolved.set(method, (resolved.get(method) ?? new Map()).set(status, observe))
      return observe
    }
    return (method, status, duration) => {
      const observe = resolved.get(method)?.get(status) ?? resolve(method, status)
      observe(duration / 1000)
    }
  }
}
