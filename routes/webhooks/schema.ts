/** What WebHook endpoints and their deliveries look like from outside. */

import { Type } from '@sinclair/typebox'
import { Enum } from '../../src/schemas/enum.ts'
import { Id } from '../../src/schemas/id.ts'
import { MaybeMoment, Moment } from '../../src/schemas/moment.ts'
import { pageQuery } from '../../src/schemas/page.ts'
import { rotation } from '../../src/schemas/rotation.ts'

const MaybeText = (description: string, example: string | null = null) =>
  Type.Union([Type.String(), Type.Null()], { description, examples: [example] })

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

/** A cursor of these lists is an id. */
const cursor = Type.Optional(
  Type.String({
    pattern: '^[0-9]{1,16}$',
    description: 'Where the page starts: the `cursor` of the `Link` header with `rel="next"`.',
  }),
)

export const EndpointQuery = Type.Object({ limit: pageQuery.limit, cursor }, { additionalProperties: false })
export const EndpointParams = Type.Object({ id: Id }, { additionalProperties: false })

const state = Enum(['waiting', 'delivered', 'dead'], {
  description:
    '`waiting` for an attempt; `delivered`; or `dead`: given up, and kept as a dead letter that can be replayed.',
  examples: ['delivered'],
})
const status = Type.Union([Type.Integer(), Type.Null()], { description: 'HTTP status of the answer.', examples: [204] })
const error = MaybeText('Why it failed.', 'The endpoint answered 500')

export const Delivery = Type.Object(
  {
    id: Id,
    eventId: Type.String({
      description: 'Names the event: `webhook-id`, the same at each attempt and replay.',
      examples: ['3f0c5f7e-9d6b-4b1e-8f0e-2a1c9d7e5b43'],
    }),
    type: Type.String({ description: 'What happened.', examples: ['user.created'] }),
    state,
    attempts: Type.Integer({ minimum: 0, description: 'How many there were.', examples: [1] }),
    status,
    error,
    nextAt: MaybeMoment('When the next attempt is due.'),
    createdAt: Moment('When it was made.'),
    settledAt: MaybeMoment('When it was delivered or given up.'),
  },
  { $id: 'Delivery', additionalProperties: false, description: 'An event on its way to an endpoint.' },
)

const Attempt = Type.Object(
  {
    at: Moment('When it began.'),
    duration: Type.Integer({ minimum: 0, description: 'How long it took, in ms.', examples: [84] }),
    outcome: Enum(['delivered', 'retry', 'dead'], {
      description: 'Whether it succeeded, failed, or ended the delivery.',
      examples: ['delivered'],
    }),
    status,
    error,
    excerpt: MaybeText('The beginning of the answer’s body, at most 1 kB.', 'ok'),
  },
  { $id: 'DeliveryAttempt', additionalProperties: false, description: 'One attempt to deliver.' },
)

export const DeliveryDetail = Type.Object(
  {
    ...Delivery.properties,
    history: Type.Array(Attempt, {
      description: 'Every attempt, the oldest first.',
      examples: [
        [{ at: '2026-11-24T12:00:00.000Z', duration: 84, outcome: 'delivered', status: 204, error: null, excerpt: '' }],
      ],
    }),
  },
  { $id: 'DeliveryDetail', additionalProperties: false, description: 'A delivery with its attempts.' },
)

export const DeliveryQuery = Type.Object(
  { limit: pageQuery.limit, cursor, state: Type.Optional(state) },
  { additionalProperties: false },
)

export const DeliveryParams = Type.Object(
  { id: Id, deliveryId: Type.Integer({ ...Id, description: 'The delivery.' }) },
  { additionalProperties: false },
)

const sequence = (description: string) =>
  Type.Optional(Type.String({ pattern: '^[0-9]{1,16}$', description, examples: ['0000000000000042'] }))
const moment = (description: string) =>
  Type.Optional(Type.String({ format: 'date-time', description, examples: ['2026-11-24T12:00:00.000Z'] }))

export const EventRange = Type.Object(
  {
    from: sequence('`sequence` of the first event; the oldest that is kept without it.'),
    to: sequence('`sequence` of the last event.'),
    since: moment('Only what happened at this moment or later.'),
    until: moment('Only what happened at this moment or before.'),
  },
  { $id: 'EventRange', additionalProperties: false, description: 'Which events are sent again.' },
)

export const Replay = Type.Object(
  {
    events: Type.Integer({ minimum: 0, description: 'How many events are sent.', examples: [12] }),
    next: MaybeText('`from` of the replay that goes on, when there were too many for one.'),
  },
  { $id: 'Replay', additionalProperties: false, description: 'What a replay sends.' },
)
