import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import { Enum } from '../src/schemas/enum.ts'
import { open } from '../src/schemas/security.ts'

const JsonWebKey = Type.Object(
  {
    kty: Type.String({ description: 'Key type.', examples: ['OKP'] }),
    kid: Type.String({
      description: 'What a token names its key by: the thumbprint (RFC 7638).',
      examples: ['kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k'],
    }),
    use: Type.Literal('sig', { description: 'What it is for: signatures.', examples: ['sig'] }),
    alg: Enum(['EdDSA', 'RS256'], {
      description: 'Algorithm: `EdDSA` (RFC 8037) of access tokens, `RS256` of ID tokens.',
      examples: ['EdDSA'],
    }),
    crv: Type.Optional(Type.String({ description: 'Curve, of an EdDSA key.', examples: ['Ed25519'] })),
    x: Type.Optional(
      Type.String({
        description: 'Public EdDSA key, base64url.',
        examples: ['11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo'],
      }),
    ),
    n: Type.Optional(
      Type.String({ description: 'Modulus of an RS256 key, base64url.', examples: ['0vx7agoebGcQSuuPiLJX'] }),
    ),
    e: Type.Optional(Type.String({ description: 'Exponent of an RS256 key, base64url.', examples: ['AQAB'] })),
  },
  { $id: 'JsonWebKey', additionalProperties: false, description: 'A public key (RFC 7517 section 4).' },
)

const { n: _, e: __, ...ofEdDSA } = JsonWebKey.properties
const example = Object.fromEntries(Object.entries(ofEdDSA).map(([name, { examples }]) => [name, examples[0]]))

const JsonWebKeySet = Type.Object(
  {
    keys: Type.Array(JsonWebKey, {
      description: 'Keys that have signed lately, the one that signs, and the next.',
      examples: [[example]],
    }),
  },
  { $id: 'JsonWebKeySet', additionalProperties: false, description: 'Public keys (RFC 7517 section 5).' },
)

/** The public keys that tokens are verified with. */
const plugin: FastifyPluginAsyncTypebox = async (fastify) => {
  fastify.route({
    method: 'GET',
    url: '/.well-known/jwks.json',
    schema: {
      operationId: 'getJwks',
      summary: 'Get the keys of tokens',
      description:
        'The JSON Web Key Set (RFC 7517). A key is in it long before its first signature, and until its last token has expired.',
      tags: ['sessions'],
      security: open,
      response: { 200: JsonWebKeySet },
      responseHeaders: {
        'cache-control': Type.String({ description: '`public, max-age=300`.' }),
        'access-control-allow-origin': Type.Literal('*', { description: 'Pages of any origin may read it.' }),
      },
      problems: ['misdirected-request'],
    },
    config: { cors: false },
    handler: async (_request, reply) => {
      reply.header('cache-control', 'public, max-age=300').header('access-control-allow-origin', '*')
      return { keys: [...fastify.signingKeys.keySet().keys, ...(await fastify.oauth.publicKeys())] }
    },
  })
}

export default plugin
