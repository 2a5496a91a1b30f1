import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import fp from 'fastify-plugin'
import type { OpenAPIV3_1 } from 'openapi-types'
import { type Components, describeRoute, finishDocument, info, securitySchemes } from '../src/contract/openapi.ts'
import { downgrade } from '../src/contract/openapi-3.0.ts'
import { describeWebhooks } from '../src/contract/openapi-webhooks.ts'
import { endpointTested } from '../src/protocols/webhooks/events.ts'
import { open } from '../src/schemas/security.ts'

/** The OpenAPI 3.1 document of the contract, Swagger UI at `/docs`, and a 3.0.3 rendering for older generators. */
export default fp(
  async (fastify) => {
    const components: Components = new Map()
    await fastify.register(swagger, {
      openapi: { openapi: '3.1.0', ...info, components: { securitySchemes } },
      transform: ({ schema, url, route }) => {
        const operation = fastify.contract.get(route.schema?.operationId ?? '')
        return {
          schema: operation
            ? describeRoute(schema, operation, components, fastify.events.types.values())
            : { hide: true },
          url,
        }
      },
      transformObject: (documents) => {
        if (!('openapiObject' in documents)) return documents.swaggerObject
        const webhooks = describeWebhooks([...fastify.events.types.values(), endpointTested], components)
        const document = documents.openapiObject as OpenAPIV3_1.Document
        return finishDocument({ ...document, webhooks }, fastify.contract, components)
      },
    })
    await fastify.register(swaggerUi, {
      routePrefix: '/docs',
      staticCSP: true,
      // Without TLS in front, that directive would ask for the page's own files over HTTPS.
      transformStaticCSP: (policy) => policy.replace(/\s*upgrade-insecure-requests;?/, ''),
      uiConfig: { displayRequestDuration: true, docExpansion: 'list', tryItOutEnabled: true },
      initOAuth: { usePkceWithAuthorizationCodeGrant: true },
      theme: { title: 'Septet API' },
    })
    let older: object | undefined
    fastify.get('/docs/openapi-3.0.json', { schema: { hide: true, security: open } }, async () => {
      older ??= downgrade(fastify.swagger() as OpenAPIV3_1.Document)
      return older
    })
  },
  { name: 'openapi', dependencies: ['access', 'contract', 'events', 'problems', 'security-headers'] },
)
