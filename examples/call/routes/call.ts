import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { open } from '../../../src/schemas/security.ts'

const read = (name: string) => readFileSync(join(import.meta.dirname, '..', name), 'utf8')

const policy =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; media-src 'self' blob:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"

/** A page to hold a call with: `/call`, made with the module at `/rtc/call.js`. */
const plugin: FastifyPluginAsyncTypebox = async (fastify) => {
  const files = {
    '/call': ['text/html', read('page.html')],
    '/call/page.js': ['text/javascript', read('page.js')],
    '/call/page.css': ['text/css', read('page.css')],
  } as const
  for (const [url, [type, text]] of Object.entries(files)) {
    fastify.get(url, { schema: { hide: true, security: open } }, async (_request, reply) =>
      reply.type(`${type}; charset=utf-8`).header('content-security-policy', policy).send(text),
    )
  }
}

export default plugin
