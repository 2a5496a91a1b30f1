/** What sets kinds of messages apart for who sends them. */

import type { NoticeKind } from '../../schemas/notice.ts'

/** They may be unwanted. All others tell of what somebody has done with the account. */
export const optional: ReadonlySet<NoticeKind> = new Set(['welcome'])

/** Somebody has asked for them, to this address: they are tried though it was refused before. */
export const asked: ReadonlySet<NoticeKind> = new Set(['verify-email', 'reset-password'])
