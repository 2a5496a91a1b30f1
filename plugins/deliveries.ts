import fp from 'fastify-plugin'
import { Counter, Gauge, type Registry } from 'prom-client'
import { Deliveries } from '../src/deliveries/deliveries.ts'
import { FanOut } from '../src/deliveries/fan-out.ts'
import { deliveryMigrations } from '../src/deliveries/migrations.ts'
import { Schedule } from '../src/deliveries/schedule.ts'
import { waitsOf } from '../src/schemas/delivery-settings.ts'

declare module 'fastify' {
  interface FastifyInstance {
    deliveries: Deliveries
  }
}

const day = 86_400_000

/** Events on their way to targets, kept until each has them. Who sends them registers its kind of target. */
export default fp(
  async (fastify) => {
    const { storage, config, events } = fastify
    storage.declare(deliveryMigrations)
    const onError = (error: unknown) => fastify.log.warn({ err: error }, 'deliveries are late')
    const deliveries = new Deliveries({
      engine: storage.engine,
      schedule: new Schedule(waitsOf(config.WEBHOOK_WAITS)),
      timeout: config.WEBHOOK_TIMEOUT,
      concurrency: config.WEBHOOK_CONCURRENCY,
      onError,
    })
    const fanOut = new FanOut({ engine: storage.engine, log: events.log, feed: events.feed, deliveries, onError })
    fastify.decorate('deliveries', deliveries)
    measure(fastify.metrics, deliveries)
    fastify.hourly(() => deliveries.forgetAfter(config.EVENT_DAYS * day), 'old deliveries stay')
    fastify.addHook('onReady', async () => {
      deliveries.start()
      fanOut.start()
    })
    // What has not been read for targets is kept, however old it is.
    events.log.mayForget = () => fanOut.seen
    const stop = async () => {
      await fanOut.stop()
      await deliveries.stop(config.SHUTDOWN_TIMEOUT / 2)
    }
    // While requests come to their ends, attempts do too.
    fastify.addHook('preClose', async () => void stop())
    fastify.addHook('onClose', stop)
  },
  { name: 'deliveries', dependencies: ['storage', 'events', 'hourly', 'metrics'] },
)

function measure(registry: Registry, deliveries: Deliveries): void {
  const attempts = new Counter({
    name: 'delivery_attempts_total',
    help: 'Attempts to deliver events, by kind of target and outcome.',
    labelNames: ['kind', 'outcome'],
    registers: [registry],
  })
  deliveries.onSettled = (kind, outcome) => attempts.inc({ kind, outcome })
  const oldest = new Gauge({
    name: 'deliveries_oldest_waiting_seconds',
    help: 'Age of the oldest delivery that waits, in seconds.',
    registers: [registry],
  })
  new Gauge({
    name: 'deliveries_waiting',
    help: 'Deliveries that wait for an attempt.',
    registers: [registry],
    async collect() {
      const { waiting, age } = await deliveries.backlog()
      this.set(waiting)
      oldest.set(age / 1000)
    },
  })
}
