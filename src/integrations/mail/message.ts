/** A message on its way, and who takes it. */

import type { NoticeKind } from '../../schemas/notice.ts'
import type { Mailbox } from './mailbox.ts'

export interface Message {
  /** Of the notice: the same at each attempt. */
  readonly id: string
  /** With angle brackets, made of the notice's id: whoever gets the message twice can tell. */
  readonly messageId: string
  readonly kind: NoticeKind
  readonly date: string
  readonly from: Mailbox
  /** One address, checked. */
  readonly to: string
  readonly subject: string
  readonly html: string
  readonly text: string
  readonly headers: Readonly<Record<string, string>>
}

/**
 * What came of an attempt. `refused`: it never will be taken, because there is no such `address` or for what the
 * `message` is; `later`: it may be, not before `after` (ms).
 */
export type Sent =
  | { as: 'accepted'; status: number }
  | { as: 'refused'; of: 'address' | 'message'; status?: number | undefined; error: string }
  | { as: 'later'; after?: number | undefined; status?: number | undefined; error: string }

export interface Transport {
  /** Hands one message over. It ends early when the signal aborts. */
  send(message: Message, signal: AbortSignal): Promise<Sent>
}

const longestReason = 300
/** Of what is read of a text: a server chooses how long it is. */
const longestSaid = 2000

/** What a server has said, in one line and without addresses and tokens: it is kept, and shown to operators. */
export function reasonOf(said: string): string {
  return said
    .slice(0, longestSaid)
    .replaceAll(/\btoken=[^\s<>()"',;]+/g, 'token=(token)')
    .replaceAll(/[^\s<>()"',;:]+@[^\s<>()"',;:]+/g, '(address)')
    .replaceAll(/[\p{C}\s]+/gu, ' ')
    .trim()
    .slice(0, longestReason)
}
