import { isUtf8 } from 'node:buffer'
import fp from 'fastify-plugin'
import { serializerCompiler } from '../src/contract/serializer.ts'
import { Problem } from '../src/errors.ts'

/** JSON in and out: UTF-8 only, an empty body is no body, and rendered text is handed through. */
export default fp(
  async (fastify) => {
    const parse = fastify.getDefaultJsonParser('error', 'error')
    fastify.removeAllContentTypeParsers()
    fastify.addContentTypeParser(
      ['application/json', 'application/merge-patch+json'],
      { parseAs: 'buffer' },
      (request, body: Buffer, done) => {
        // Generated clients in several languages send the media type with an empty body on DELETE.
        if (body.length === 0) return done(null, undefined)
        if (!isAccepted(request.routeOptions.schema?.consumes, request.headers['content-type'])) {
          return done(new Problem('unsupported-media-type', 'This operation does not take a body of this media type'))
        }
        if (!isUtf8(body)) return done(new Problem('malformed-request', 'The body is not valid UTF-8'))
        return parse(request, body.toString(), (error, value) =>
          done(error && new Problem('malformed-request', 'The body is not valid JSON', { cause: error }), value),
        )
      },
    )
    fastify.setSerializerCompiler(serializerCompiler)
  },
  { name: 'json' },
)

/** Whether the operation takes this media type; JSON has no charset but UTF-8 (RFC 8259 section 8.1). */
function isAccepted(consumes: readonly string[] = ['application/json'], header = ''): boolean {
  if (consumes.includes(header)) return true
  const [type = '', ...parameters] = header.toLowerCase().split(';')
  const charset = parameters.find((parameter) => parameter.trim().startsWith('charset='))
  return consumes.includes(type.trim()) && (charset === undefined || /charset="?utf-8"?\s*$/.test(charset))
}
