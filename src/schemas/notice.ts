/** What messages to people are about. */

import { Enum } from './enum.ts'

export const noticeKinds = [
  'welcome',
  'verify-email',
  'sign-up-attempt',
  'reset-password',
  'password-changed',
  'address-changed',
  'identity-linked',
  'identity-unlinked',
  'session-ended',
  'application-allowed',
] as const

export type NoticeKind = (typeof noticeKinds)[number]

export const Kind = Enum(noticeKinds, { description: 'What the message tells.', examples: ['welcome'] })
