/** A letter as plain text. */

import type { Letter } from './letter.ts'

export function textOf(letter: Letter): string {
  const { hello, text, button, link, closing = [], because, unsubscribe } = letter
  const paragraphs = [
    hello,
    ...text,
    link === undefined ? undefined : `${button}:\n${link}`,
    ...closing,
    `-- \n${because}`,
    unsubscribe && `${unsubscribe.label}:\n${unsubscribe.url}`,
  ]
  return `${paragraphs.filter((paragraph) => paragraph !== undefined).join('\n\n')}\n`
}
