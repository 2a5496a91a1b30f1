/** What the server tells of endpoints themselves. */

import { Type } from '@sinclair/typebox'
import type { EventType } from '../../schemas/event.ts'
import { Id } from '../../schemas/id.ts'
import { Moment } from '../../schemas/moment.ts'

/** An endpoint was disabled by the server. Whose it is hears of it, and administrators do. */
export const endpointDisabled: EventType = {
  type: 'webhook-endpoint.disabled',
  description: 'An endpoint was disabled: it has said that it is gone, or has failed for the whole schedule.',
  data: Type.Object(
    {
      id: Id,
      url: Type.String({ description: 'Where it is.', examples: ['https://example.com/hooks'] }),
      disabledAt: Moment('When it was disabled.'),
      disabledReason: Type.String({ description: '`gone` or `failing`.', examples: ['gone'] }),
    },
    { $id: 'DisabledEndpoint', additionalProperties: false, description: 'An endpoint that was disabled.' },
  ),
  scope: 'webhooks:read',
}

/** Sent to try an endpoint; it is in no log. */
export const endpointTested: EventType = {
  type: 'webhook-endpoint.tested',
  description: 'Somebody tries the endpoint; nothing else has happened.',
  data: Type.Object({ id: Id }, { additionalProperties: false, description: 'The endpoint that is tried.' }),
  scope: 'webhooks:read',
}
