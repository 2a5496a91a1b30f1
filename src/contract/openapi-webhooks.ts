/** `webhooks` of OpenAPI 3.1: what the server posts to endpoints, one entry a type of event. */

import { type TSchema, Type } from '@sinclair/typebox'
import type { OpenAPIV3_1 } from 'openapi-types'
import type { EventType } from '../schemas/event.ts'
import { type Components, hoist } from './openapi.ts'

/** Headers of Standard Webhooks 1.0.0. */
const headers: [name: string, schema: TSchema][] = [
  [
    'Webhook-Id',
    Type.String({
      description: 'Names the event: the same at each attempt and replay, for knowing doubles.',
      examples: ['3f0c5f7e-9d6b-4b1e-8f0e-2a1c9d7e5b43'],
    }),
  ],
  [
    'Webhook-Timestamp',
    Type.Integer({ description: 'When it was sent, in seconds since 1970.', examples: [1795705143] }),
  ],
  [
    'Webhook-Signature',
    Type.String({
      description: 'One or more, separated by spaces: `v1,` and an HMAC-SHA256, or `v1a,` and an Ed25519 signature.',
      examples: ['v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE='],
    }),
  ],
]

/** What an answer means; its body is kept for people. */
const responses = {
  204: { description: 'Received; so is any other 2xx. Everything else, redirects too, is attempted again.' },
  410: { description: 'Not wanted any more: the endpoint is disabled.' },
  429: { description: 'Later, and not before `Retry-After`; 503 means the same.' },
}

/** The entries by type. The schema `Event` is among the components: an operation lists them. */
export function describeWebhooks(
  types: Iterable<EventType>,
  components: Components,
): NonNullable<OpenAPIV3_1.Document['webhooks']> {
  const entries = [...types].map((event) => [event.type, { post: describe(event, components) }])
  return Object.fromEntries(entries.sort(([one = ''], [other = '']) => (one < other ? -1 : 1)))
}

function describe({ type, description, data }: EventType, components: Components): object {
  return {
    operationId: `on${type.replace(/(?:^|[.-])([a-z])/g, (_, letter: string) => letter.toUpperCase())}`,
    summary: type,
    description,
    tags: ['webhooks'],
    security: [],
    parameters: headers.map(([name, { description: text, examples, ...schema }]) => ({
      name,
      in: 'header',
      required: true,
      description: text,
      schema,
      example: (examples as unknown[])[0],
    })),
    requestBody: {
      required: true,
      description: 'The event, as on every wire.',
      content: {
        'application/json': {
          schema: {
            allOf: [
              { $ref: '#/components/schemas/Event' },
              { type: 'object', properties: { type: { const: type }, data: hoist(data, components) } },
            ],
          },
        },
      },
    },
    responses,
  }
}
