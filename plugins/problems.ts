import fp from 'fastify-plugin'
import { AllowedMethods } from '../src/contract/allowed-methods.ts'
import { sendProblem } from '../src/contract/problem-of.ts'
import { Problem, type ProblemCode, type ProblemOptions } from '../src/errors.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** Makes a problem of the closed list, to be thrown. */
    problem: (code: ProblemCode, detail: string, options?: ProblemOptions) => Problem
  }
}

/** Every failure leaves as one problem document (RFC 9457); its cause stays in the log. */
export default fp(
  async (fastify) => {
    const allowed = new AllowedMethods()
    fastify.addHook('onRoute', ({ url, method }) => allowed.add(url, method))
    fastify.decorate('problem', (code, detail, options) => new Problem(code, detail, options))

    fastify.setErrorHandler(sendProblem)

    fastify.setNotFoundHandler((request, reply) => {
      const path = request.url.split('?', 1)[0] ?? ''
      const methods = allowed.of(path)
      if (methods.length === 0) throw new Problem('not-found', `Nothing answers at ${path}`)
      reply.header('allow', methods.join(', '))
      if (request.method === 'OPTIONS') return reply.code(204).send()
      throw new Problem('method-not-allowed', `${request.method} is not offered here`)
    })
  },
  { name: 'problems' },
)
