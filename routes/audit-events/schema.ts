/** What an audit event looks like from outside. */

import { Type } from '@sinclair/typebox'
import { Enum } from '../../src/schemas/enum.ts'
import { Id } from '../../src/schemas/id.ts'
import { Moment } from '../../src/schemas/moment.ts'
import { pageQuery } from '../../src/schemas/page.ts'

const text = (description: string, example: string) => Type.String({ description, examples: [example] })

export const AuditEvent = Type.Object(
  {
    id: Id,
    type: text('What happened.', 'key.created'),
    outcome: Enum(['success', 'failure'], { description: 'Whether it came about.', examples: ['success'] }),
    principal: text('Who did it.', 'user:1'),
    target: text('What it was done to; empty for nothing in particular.', 'api-key:3fk0Qm9ZtB7x'),
    detail: text('More, for people.', 'scopes: users:read'),
    address: text('Network address of the caller.', '192.0.2.1'),
    requestId: text('Names the request in the log.', 'k3Jx9a-1z'),
    createdAt: Moment('When.'),
  },
  { $id: 'AuditEvent', additionalProperties: false, description: 'An entry of the audit trail.' },
)

const filter = (description: string) => Type.Optional(Type.String({ minLength: 1, maxLength: 200, description }))

export const AuditQuery = Type.Object(
  {
    ...pageQuery,
    type: filter('Only types that begin so.'),
    principal: filter('Only what this principal did.'),
    target: filter('Only what was done to this.'),
    sort: Type.Optional(Enum(['id', '-id'], { default: '-id', description: 'Order; `-id` has the newest first.' })),
  },
  { additionalProperties: false },
)
