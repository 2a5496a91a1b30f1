import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { mock } from 'node:test'
import { test } from 'tap'
import { build, temporaryFolder } from '../helper.ts'

test('a task runs when the server is ready and each hour from then on; one that fails is a line in the log', async (t) => {
  const folder = temporaryFolder(t)
  writeFileSync(
    join(folder, 'tasks.mjs'),
    `export default async (fastify) => {
      fastify.hourly(async () => { fastify.log.info('it ran') }, 'it did not run')
      fastify.hourly(async () => { throw new Error('no disk') }, 'old things stay')
    }`,
  )
  mock.timers.enable({ apis: ['setInterval'] })
  t.teardown(() => mock.timers.reset())
  const { logs } = await build(t, {}, folder)
  const count = (message: string) => logs().filter(({ msg }) => msg === message).length
  t.same([count('it ran'), count('old things stay'), count('it did not run')], [1, 1, 0])
  mock.timers.tick(3_600_000)
  await new Promise((resolve) => setImmediate(resolve))
  t.same([count('it ran'), count('old things stay')], [2, 2])
})
