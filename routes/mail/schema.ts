/** What mail looks like to who operates the server. */

import { Type } from '@sinclair/typebox'
import { idCursor, MaybeText } from '../../src/schemas/delivery.ts'
import { Email } from '../../src/schemas/email.ts'
import { Enum } from '../../src/schemas/enum.ts'
import { Id } from '../../src/schemas/id.ts'
import { Moment } from '../../src/schemas/moment.ts'
import { Kind } from '../../src/schemas/notice.ts'
import { pageQuery } from '../../src/schemas/page.ts'

export const MessageParams = Type.Object({ kind: Kind }, { additionalProperties: false })

export const MessageQuery = Type.Object(
  {
    locale: Type.Optional(
      Type.String({
        pattern: '^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}$',
        maxLength: 35,
        description: 'Language of its reader; `MAIL_LOCALE` without it, and for one that there is not.',
        examples: ['de'],
      }),
    ),
  },
  { additionalProperties: false },
)

export const MessagePreview = Type.Object(
  {
    subject: Type.String({ description: 'Its subject.', examples: ['Welcome to Septet'] }),
    html: Type.String({ description: 'The message as HTML, a whole page.', examples: ['<!doctype html>'] }),
    text: Type.String({ description: 'The message as plain text.', examples: ['Hello Fatima,'] }),
  },
  { $id: 'MessagePreview', additionalProperties: false, description: 'A message as it would be sent.' },
)

export const Suppression = Type.Object(
  {
    id: Id,
    address: Type.String({ description: 'The address, in lower case.', examples: ['mohamed@example.com'] }),
    reason: Enum(['bounce', 'complaint', 'unsubscribe'], {
      description:
        '`bounce`: there is no such mailbox, what was asked for since is sent, and messages about security after three days; `complaint` and `unsubscribe`: its reader wants none but messages about the security of the account.',
      examples: ['bounce'],
    }),
    detail: MaybeText('What the mail server said.', 'The address was refused: 550 5.1.1 no such user'),
    updatedAt: Moment('When this was last found.'),
  },
  { $id: 'Suppression', additionalProperties: false, description: 'An address that is not written to, and why.' },
)

export const SuppressionQuery = Type.Object(
  { limit: pageQuery.limit, cursor: idCursor, address: Type.Optional(Email) },
  { additionalProperties: false },
)

export const SuppressionParams = Type.Object({ id: Id }, { additionalProperties: false })
