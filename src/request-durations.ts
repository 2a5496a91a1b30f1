/** The request histogram: prom-client's in its output, counted in plain arrays, which costs a tenth. */

import { Histogram, type MetricObjectWithValues, type MetricValueWithName, type Registry } from 'prom-client'

/** Counts a request that took this long, in ms; `wire` is what it came in on. */
export type Observe = (wire: string, method: string, status: number, duration: number) => void

type Label = 'wire' | 'method' | 'route' | 'status'
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

  readonly #wire: string
  readonly #method: string
  readonly #status: number

  constructor(wire: string, method: string, route: string, status: number) {
    this.#wire = wire
    this.#method = method
    this.#status = status
    this.labels = { wire, method, route, status: String(status) }
  }

  is(wire: string, method: string, status: number): boolean {
    return this.#status === status && this.#method === method && this.#wire === wire
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
    super({ name, help, labelNames: ['wire', 'method', 'route', 'status'], registers: [registry] })
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
    const known: Series[] = []
    // Most requests are answered as the one before was.
    let last: Series | undefined
    return (wire, method, status, duration) => {
      if (!last?.is(wire, method, status)) {
        last = known.find((series) => series.is(wire, method, status))
        if (last === undefined) {
          last = new Series(wire, method, route, status)
          known.push(last)
          this.#series.push(last)
        }
      }
      last.add(duration)
    }
  }
}
