/** What a message says, from the notice and the words of its reader's language: HTML and plain text are made of one letter. */

import type { Notice } from '../../auth/notices.ts'
import { type Locale, languages, momentIn } from './languages/languages.ts'
import type { Said, Words } from './languages/words.ts'

export interface Letter extends Said {
  readonly locale: Locale
  readonly direction: Words['direction']
  readonly product: string
  readonly hello: string
  readonly link: string | undefined
  readonly orOpen: string
  readonly because: string
  readonly unsubscribe: { readonly label: string; readonly url: string } | undefined
}

const longestName = 60
/** What mail programs make a link or a call of: a name is chosen by whoever signs up, with an address that may be another's. */
const linkable = /[/:@\\。]|\.\S|\p{Nd}(?:[\s().+-]*\p{Nd}){4}/u
const rightToLeft = /[\p{Script=Arabic}\p{Script=Hebrew}\p{Script=Syriac}\p{Script=Thaana}\p{Script=Nko}]/u

export function letterOf(
  notice: Pick<Notice, 'kind' | 'name' | 'createdAt' | 'expiresAt' | 'link'>,
  locale: Locale,
  product: string,
  unsubscribeUrl?: string,
): Letter {
  const words: Words = languages[locale.language]
  const { direction, messages, orOpen, because, unsubscribe } = words
  const name = isolated(product, direction)
  const at = isolated(momentIn(locale, notice.createdAt), direction)
  const until = isolated(momentIn(locale, notice.expiresAt ?? notice.createdAt), direction)
  return {
    ...messages[notice.kind]({ product: name, at, until }),
    locale,
    direction,
    product,
    hello: words.hello(shownName(notice.name, direction)),
    link: notice.link,
    orOpen,
    because: because(name),
    unsubscribe: unsubscribeUrl === undefined ? undefined : { label: unsubscribe, url: unsubscribeUrl },
  }
}

/** A name as it may be shown; nothing for one that could lead somewhere, or that says more than a name does. */
export function shownName(name: string, direction: Words['direction']): string | undefined {
  const clean = name.replaceAll(/[\p{Cc}\p{Cs}\p{Bidi_Control}\s]+/gu, ' ').trim()
  // Compatible forms too: a full stop of full width separates the labels of a host as well (UTS 46).
  if (clean === '' || [...clean].length > longestName || linkable.test(clean.normalize('NFKC'))) return undefined
  return isolated(clean, direction)
}

/** A text that runs in its own direction does not turn what stands around it (Unicode Bidirectional Algorithm, 6.3). */
function isolated(text: string, direction: Words['direction']): string {
  return direction === 'rtl' || rightToLeft.test(text) ? `\u2068${text}\u2069` : text
}
