import fp from 'fastify-plugin'

declare module 'fastify' {
  interface FastifyInstance {
    /** Runs a task once the server is ready, and each hour from then on; `failure` is what the log says when it fails. */
    hourly: (task: () => Promise<unknown>, failure: string) => void
  }
}

const hour = 3_600_000

/** What has to be done again and again: deleting what has expired. */
export default fp(
  async (fastify) => {
    const tasks: (() => Promise<unknown>)[] = []
    let timer: NodeJS.Timeout | undefined
    fastify.decorate('hourly', (task, failure) => {
      tasks.push(() => task().catch((error: unknown) => fastify.log.warn({ err: error }, failure)))
    })
    const runAll = () => Promise.all(tasks.map((task) => task()))
    fastify.addHook('onReady', async () => {
      await runAll()
      timer = setInterval(runAll, hour).unref()
    })
    fastify.addHook('onClose', async () => clearInterval(timer))
  },
  { name: 'hourly', dependencies: ['storage'] },
)
