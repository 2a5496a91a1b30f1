/** Which of the languages a reader gets. */

import { arabic } from './ar.ts'
import { german } from './de.ts'
import { english } from './en.ts'
import { spanish } from './es.ts'
import { french } from './fr.ts'
import type { Words } from './words.ts'

export const languages = { en: english, de: german, fr: french, es: spanish, ar: arabic } as const satisfies Record<
  string,
  Words
>

export type Language = keyof typeof languages
export const languageNames = Object.keys(languages) as Language[]

/** A language, and how its reader writes dates: `de-CH`. */
export interface Locale {
  language: Language
  tag: string
}

/** A range of RFC 4647: language, and what else dates depend on. Extensions, which could set a calendar, are cut off. */
const range = /^([a-z]{2,3})((?:-[a-z]{4})?(?:-(?:[a-z]{2}|\d{3}))?)(?:-|$)/i

/** The first of the languages by the weights of `Accept-Language` (RFC 9110 section 12.5.4) that there is, or else this one. */
export function localeOf(acceptLanguage: string | undefined, fallback: Language): Locale {
  const weighed = (acceptLanguage ?? '').split(',').map((part) => {
    const [tag = '', ...parameters] = part.split(';').map((text) => text.trim())
    const weight = parameters.find((text) => /^q=/i.test(text))?.slice(2)
    return { tag, weight: weight === undefined ? 1 : Number(weight) }
  })
  // A sort is stable: of equal weight, the first.
  for (const { tag } of weighed.filter(({ weight }) => weight > 0).sort((a, b) => b.weight - a.weight)) {
    const [, language = '', rest = ''] = range.exec(tag) ?? []
    const known = languageNames.find((name) => name === language.toLowerCase())
    if (known !== undefined) return { language: known, tag: `${known}${rest}` }
  }
  return { language: fallback, tag: fallback }
}

/** A moment (ISO 8601) as people of this language write it. Where its reader is, nobody knows: in UTC, and it says so. */
export function momentIn({ tag }: Locale, moment: string): string {
  return new Intl.DateTimeFormat(tag, {
    year: 'numeric',
    month: 'long',
    day: 'numeric',
    hour: 'numeric',
    minute: '2-digit',
    timeZone: 'UTC',
    timeZoneName: 'short',
  }).format(new Date(moment))
}
