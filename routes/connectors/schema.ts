/** What connectors look like from outside. */

import { Type } from '@sinclair/typebox'
import { DeliveryQuery, MaybeText } from '../../src/schemas/delivery.ts'
import { Enum } from '../../src/schemas/enum.ts'
import { Id } from '../../src/schemas/id.ts'
import { MaybeMoment, Moment } from '../../src/schemas/moment.ts'

const name = Type.String({
  pattern: '^[a-z][a-z0-9-]{0,39}$',
  description: 'Names the connector.',
  examples: ['stripe'],
})
const count = (description: string) => Type.Integer({ minimum: 0, description, examples: [0] })

const Backlog = Type.Object(
  {
    waiting: count('What waits for an attempt; 10,000 stands for that or more.'),
    dead: count('What was given up, and can be replayed; as `waiting`.'),
    oldestWaiting: MaybeMoment('When the oldest that waits was made.'),
    lastError: MaybeText('What the last failure among those that wait was; else, among those that were given up.'),
  },
  { $id: 'Backlog', additionalProperties: false, description: 'What waits, and why.' },
)

const BackFillFailure = Type.Object(
  { id: Id, error: Type.String({ description: 'Why it was not taken.', examples: ['duplicate value found'] }) },
  { $id: 'BackFillFailure', additionalProperties: false, description: 'A user who could not be brought over.' },
)

const backFillExample = {
  state: 'done',
  total: 2,
  done: 2,
  failed: 0,
  failures: [],
  error: null,
  startedAt: '2026-11-24T12:00:00.000Z',
  endedAt: '2026-11-24T12:00:01.000Z',
}

export const BackFill = Type.Object(
  {
    state: Enum(['running', 'done', 'failed'], { description: 'How far it is.', examples: ['done'] }),
    total: count('Users that there were when it began.'),
    done: count('Users who were brought over.'),
    failed: count('Users who could not be.'),
    failures: Type.Array(BackFillFailure, { description: 'The last 20 of those who could not be.', examples: [[]] }),
    error: MaybeText('Why the next page waits for another attempt, or why the run has failed.'),
    startedAt: Moment('When it began.'),
    endedAt: MaybeMoment('When it ended.'),
  },
  {
    $id: 'BackFill',
    additionalProperties: false,
    description: 'How users who were there before are brought over.',
    examples: [backFillExample],
  },
)

const backlogExample = { waiting: 0, dead: 0, oldestWaiting: null, lastError: null }

export const Connector = Type.Object(
  {
    name,
    title: Type.String({ description: 'What the service is called.', examples: ['Stripe'] }),
    description: Type.String({ description: 'What it does.', examples: ['Takes payments.'] }),
    on: Type.Boolean({ description: 'Whether its settings are there.', examples: [true] }),
    missingSettings: Type.Array(Type.String(), { description: 'Settings that it lacks to be on.', examples: [[]] }),
    types: Type.Array(Type.String(), { description: 'Types of events that it follows.', examples: [['user.*']] }),
    since: MaybeMoment('Since when it follows.'),
    out: Backlog,
    in: Backlog,
    backFill: Type.Optional(BackFill),
  },
  {
    $id: 'Connector',
    additionalProperties: false,
    description: 'A connector, what waits for it, and why.',
    examples: [
      {
        name: 'stripe',
        title: 'Stripe',
        description: 'Takes payments.',
        on: true,
        missingSettings: [],
        types: ['user.*'],
        since: '2026-11-24T12:00:00.000Z',
        out: backlogExample,
        in: backlogExample,
      },
    ],
  },
)

const direction = Enum(['out', 'in', 'back-fill'], {
  default: 'out',
  description: '`out`: events on their way to the service; `in`: its WebHooks; `back-fill`: pages of users.',
  examples: ['out'],
})

export const ConnectorParams = Type.Object({ name }, { additionalProperties: false })
export const ConnectorDeliveryQuery = Type.Object(
  { ...DeliveryQuery.properties, direction: Type.Optional(direction) },
  { additionalProperties: false },
)
export const ConnectorDeliveryParams = Type.Object(
  { name, deliveryId: Type.Integer({ ...Id, description: 'The delivery.' }) },
  { additionalProperties: false },
)
