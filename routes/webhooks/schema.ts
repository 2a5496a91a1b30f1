/** What WebHook endpoints and their deliveries look like from outside. */

import { Type } from '@sinclair/typebox'
import { idCursor, MaybeText } from '../../src/schemas/delivery.ts'
import { Enum } from '../../src/schemas/enum.ts'
import { Id } from '../../src/schemas/id.ts'
import { MaybeMoment, Moment } from '../../src/schemas/moment.ts'
import { pageQuery } from '../../src/schemas/page.ts'
import { rotation } from '../../src/schemas/rotation.ts'

const described = {
  url: Type.String({
    minLength: 1,
    maxLength: 2000,
    description: 'Where events are posted to: `https`, on port 443 or above 1023, at a public address.',
    examples: ['https://example.com/hooks'],
  }),
  description: Type.String({ maxLength: 200, description: 'What it is for.', examples: ['Accounting'] }),
  types: Type.Array(
    Type.String({
      maxLength: 100,
      pattern: '^(\\*|[a-z][a-z0-9-]*(\\.[a-z][a-z0-9-]*)*(\\.\\*)?)$',
      examples: ['user.created'],
    }),
    {
      minItems: 1,
      maxItems: 20,
      uniqueItems: true,
      description:
        'Only these types of events; `user.*` is all that begin so, `*` all that its creator may see; without any, that.',
      examples: [['user.*']],
    },
  ),
}

const signing = Enum(['hmac', 'ed25519'], {
  description:
    'How messages are signed (Standard Webhooks): with a secret that both sides hold (`v1`), or so that the receiver holds a public key alone (`v1a`).',
  examples: ['hmac'],
})

export const Endpoint = Type.Object(
  {
    id: Id,
    ...described,
    signing,
    publicKey: MaybeText('What messages are verified with, where they are signed with Ed25519.'),
    enabled: Type.Boolean({ description: 'Whether events are sent to it.', examples: [false] }),
    disabledAt: { ...MaybeMoment('When it was disabled.'), examples: ['2026-11-24T12:00:00.000Z'] },
    disabledReason: Type.Union([Enum(['owner', 'gone', 'failing']), Type.Null()], {
      description: 'Why: `owner` says so; `gone`, it answered 410; `failing`, for the whole schedule of a delivery.',
      examples: ['gone'],
    }),
    failingSince: MaybeMoment('Of the first of the failures that no success has followed.'),
    createdBy: Type.String({ description: 'Who made it.', examples: ['user:1'] }),
    createdAt: Moment('When it was made.'),
    updatedAt: Moment('When it was last changed.'),
    previousUntil: MaybeMoment('Until when messages are signed with the secret before, too.'),
  },
  { $id: 'Endpoint', additionalProperties: false, description: 'Where events are sent to, without its secret.' },
)

export const NewEndpoint = Type.Object(
  {
    ...Endpoint.properties,
    secret: Type.Optional(
      Type.String({
        description:
          'What messages are verified with. It is shown this once and cannot be read again. Absent with Ed25519: `publicKey` is enough.',
        examples: ['whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD'],
      }),
    ),
  },
  { $id: 'NewEndpoint', additionalProperties: false, description: 'An endpoint with its secret.' },
)

export const EndpointInput = Type.Object(
  {
    url: described.url,
    description: Type.Optional(described.description),
    types: Type.Optional(described.types),
    signing: Type.Optional(signing),
  },
  { $id: 'EndpointInput', additionalProperties: false, description: 'Where events are to be sent, and which.' },
)

export const EndpointPatch = Type.Object(
  {
    url: Type.Optional(described.url),
    description: Type.Optional(described.description),
    types: Type.Optional(described.types),
    enabled: Type.Optional(
      Type.Boolean({ description: 'Whether events are sent to it; what waits stays meanwhile.', examples: [false] }),
    ),
  },
  { $id: 'EndpointPatch', additionalProperties: false, description: 'What is changed of an endpoint.' },
)

export const EndpointRotation = Type.Object(rotation, {
  $id: 'EndpointRotation',
  additionalProperties: false,
  description: 'How an endpoint gets a new secret.',
})

export const EndpointQuery = Type.Object({ limit: pageQuery.limit, cursor: idCursor }, { additionalProperties: false })
export const EndpointParams = Type.Object({ id: Id }, { additionalProperties: false })

export const DeliveryParams = Type.Object(
  { id: Id, deliveryId: Type.Integer({ ...Id, description: 'The delivery.' }) },
  { additionalProperties: false },
)
