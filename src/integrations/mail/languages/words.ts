/** What a language says. Each says all of it: the compiler knows what is missing. */

import type { NoticeKind } from '../../../schemas/notice.ts'

/** What a message is told of: texts that stand in a sentence as they are. */
export interface Facts {
  /** What is run here, by its name. */
  readonly product: string
  /** When it happened, with the time zone. */
  readonly at: string
  /** When the link stops to be good, with the time zone. */
  readonly until: string
}

/** One message: paragraphs, and between them a button where it has a link. */
export interface Said {
  readonly subject: string
  readonly heading: string
  readonly text: readonly string[]
  readonly button?: string
  readonly closing?: readonly string[]
}

export interface Words {
  readonly direction: 'ltr' | 'rtl'
  /** To somebody with this name, or without one. */
  readonly hello: (name: string | undefined) => string
  readonly messages: Readonly<Record<NoticeKind, (facts: Facts) => Said>>
  /** Before the address of a link, for who cannot use the button. */
  readonly orOpen: string
  /** Why its reader gets it, at the end of each message. */
  readonly because: (product: string) => string
  /** The link that ends such messages. */
  readonly unsubscribe: string
  /** The page that it leads to. */
  readonly page: {
    readonly title: string
    readonly ask: (product: string) => string
    readonly button: string
    readonly done: (product: string) => string
    readonly refused: string
  }
}
