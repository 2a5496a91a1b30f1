/** What every wire must do as REST does it: each case is a row, and a new resource adds a file of them. */

import { accessCases } from './cases/access.ts'
import { blogCases } from './cases/blog.ts'
import type { Case } from './cases/case.ts'
import { connectorCases } from './cases/connectors.ts'
import { eventCases } from './cases/events.ts'
import { failureCases } from './cases/failures.ts'
import { keyCases } from './cases/keys.ts'
import { mailCases } from './cases/mail.ts'
import { paymentCases } from './cases/payments.ts'
import { peopleCases } from './cases/people.ts'
import { roomCases } from './cases/rooms.ts'
import { shapeCases } from './cases/shapes.ts'
import { textCases } from './cases/text.ts'
import { userCases } from './cases/users.ts'
import { webhookCases } from './cases/webhooks.ts'

/** Resources with tests of their own: what they answer is a secret or comes with a message, and is never the same twice. */
export const coveredElsewhere = ['accounts', 'sessions', 'login', 'grants', 'oauth-clients', 'digests']

export const cases: readonly Case[] = [
  ...eventCases,
  ...userCases,
  ...shapeCases,
  ...textCases,
  ...failureCases,
  ...accessCases,
  ...keyCases,
  ...blogCases,
  ...webhookCases,
  ...connectorCases,
  ...paymentCases,
  ...peopleCases,
  ...mailCases,
  ...roomCases,
]
