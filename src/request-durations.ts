/** The request histogram: prom-client's in its output, counted in plain arrays, which costs a tenth. */

import { Histogram, type MetricObjectWithValues, type MetricValueWithName, type Registry } from 'prom-client'

/** Counts a request that took this long, in ms. */
export type Observe = (method: string, status: number, duration: number) => void

type Label = 'method' | 'route' | 'status'
type Values = MetricObjectWithValues<MetricValueWithName<Label>>

const name = 'http_request_duration_seconds'
const help = 'Time from the arrival of a request to the end of its reply.'
/** Upper bounds in ms. */
const bounds = [1, 5, 10, 50, 100, 500, 1000, 5000] as const

/** What one label set has counted; `counts` holds one more than there are bounds, and does not add up yet. */
class Series {
  readonly labels: Record<Label, string>
  readonly counts = new Array<number>(bounds.length + 1).fill(0)
  sum = 0

  constructor(method: string, route: string, status: number) {
    this.labels = { method, route, status: String(status) }
  }

  add(duration: number): void {
    let bucket = 0
    while (duration > (bounds[bucket] ?? Number.POSITIVE_INFINITY)) bucket += 1
    this.counts[bucket] = (this.counts[bucket] ?? 0) + 1
    this.sum += duration
  }

  get values(): Values['values'] {
    const { labels } = this
    let total = 0
    const buckets = this.counts.map((count, index) => {
      total += count
      const bound = bounds[index]
      const le = bound === undefined ? '+Inf' : bound / 1000
      return { metricName: `${name}_bucket`, labels: { le, ...labels }, value: total }
    })
    return [
      ...(buckets as Values['values']),
      { metricName: `${name}_sum`, labels, value: this.sum / 1000 },
      { metricName: `${name}_count`, labels, value: total },
    ]
  }
}

export class RequestDurations extends Histogram<Label> {
  readonly #series: Series[] = []

  constructor(registry: Registry) {
    super({ name, help, labelNames: ['method', 'route', 'status'], registers: [registry] })
  }

  override async get(): Promise<Values> {
    // An enumeration of the types alone: at run time there is only its text.
    const type = 'histogram' as unknown as Values['type']
    return {
      name,
      help,
      type,
      aggregator: 'sum',
      collect: () => {},
      values: this.#series.flatMap(({ values }) => values),
    }
  }

  /** What the registry asks for its text. */
  getForPromString(): Promise<Values> {
    return this.get()
  }

  /** The counter of one route, named by its pattern: there are as many as routes. */
  observer(route: string): Observe {
    const resolved = new Map<string, Map<number, Series>>()
    const resolve = (method: string, status: number) => {
      const series = new Series(method, route, status)
      this.#series.push(series)
      resolved.set(method, (resolved.get(method) ?? new Map()).set(status, series))
      return series
    }
    return (method, status, duration) => (resolved.get(method)?.get(status) ?? resolve(method, status)).add(duration)
  }
}
