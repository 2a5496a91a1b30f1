/** What an event looks like from outside. */

import { Type } from '@sinclair/typebox'
import { Moment } from '../../src/schemas/moment.ts'
import { pageQuery } from '../../src/schemas/page.ts'

const text = (description: string, example: string) => Type.String({ description, examples: [example] })

export const Event = Type.Object(
  {
    specversion: text('Version of CloudEvents.', '1.0'),
    id: text('Names the event, on every wire and at each repeat.', '3f0c5f7e-9d6b-4b1e-8f0e-2a1c9d7e5b43'),
    source: text('The server.', 'https://api.example.com'),
    type: text('What happened.', 'user.created'),
    subject: text('What it happened to.', '/users/1'),
    time: Moment('When.'),
    datacontenttype: text('Of `data`.', 'application/json'),
    sequence: text('Place among all events: sorts as they happened; the `cursor` to go on from.', '0000000000000042'),
    data: Type.Unknown({
      description: 'What there is to know, as the operation that gets the subject shows it.',
      examples: [{ id: 1, name: 'John Doe', email: 'john.doe@example.com' }],
    }),
  },
  { $id: 'Event', additionalProperties: false, description: 'Something that has happened (CloudEvents 1.0).' },
)

const EventTypes = Type.Array(
  Type.String({
    maxLength: 100,
    pattern: '^[a-z][a-z0-9-]*(\\.[a-z][a-z0-9-]*)*(\\.\\*)?$',
    examples: ['user.created'],
  }),
  { minItems: 1, maxItems: 20, description: 'Only these types; `user.*` is all that begin so.' },
)

export const EventQuery = Type.Object(
  {
    limit: pageQuery.limit,
    cursor: Type.Optional(
      Type.String({
        pattern: '^[0-9]{1,16}$',
        description:
          '`sequence` of the last event that was seen. Without it a page begins with the oldest that are kept, a stream with what happens from then on.',
        examples: ['0000000000000042'],
      }),
    ),
    types: Type.Optional(EventTypes),
    subject: Type.Optional(
      Type.String({ minLength: 1, maxLength: 200, description: 'Only what happened to this.', examples: ['/users/1'] }),
    ),
  },
  { additionalProperties: false },
)
