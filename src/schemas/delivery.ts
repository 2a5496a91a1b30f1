/** What deliveries look like from outside, whatever their target is. */

import { Type } from '@sinclair/typebox'
import { Enum } from './enum.ts'
import { Id } from './id.ts'
import { MaybeMoment, Moment } from './moment.ts'
import { pageQuery } from './page.ts'

export const MaybeText = (description: string, example: string | null = null) =>
  Type.Union([Type.String(), Type.Null()], { description, examples: [example] })

/** A cursor of a list of deliveries is an id. */
export const idCursor = Type.Optional(
  Type.String({
    pattern: '^[0-9]{1,16}$',
    description: 'Where the page starts: the `cursor` of the `Link` header with `rel="next"`.',
  }),
)

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
  { limit: pageQuery.limit, cursor: idCursor, state: Type.Optional(state) },
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
