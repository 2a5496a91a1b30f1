import fp from 'fastify-plugin'
import { cleanForwardedFor } from '../src/contract/forwarded.ts'

/** With `TRUST_PROXY`, takes addresses alone from `X-Forwarded-For`; without it nobody reads the header. */
export default fp(
  async (fastify) => {
    if (fastify.config.TRUST_PROXY === '') return
    fastify.addHook('onRequest', ({ raw: { headers } }, _reply, done) => {
      const header = headers['x-forwarded-for']
      const clean = header === undefined ? undefined : cleanForwardedFor(String(header))
      if (clean === undefined) delete headers['x-forwarded-for']
      else headers['x-forwarded-for'] = clean
      done()
    })
  },
  { name: 'forwarded' },
)
