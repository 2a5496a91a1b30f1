/**
 * Unsubscribing from messages that may be unwanted (RFC 8058). The link does nothing by itself, as programs that look
 * for malware open it: it leads to a page that asks, and mail programs post to it.
 */

import { html, pageHeaders, pageOf } from '../../auth/oauth/page.ts'
import { type Locale, languages } from './languages/languages.ts'
import type { Words } from './languages/words.ts'

export const unsubscribePath = '/mail/unsubscribe'
const purpose = 'mail unsubscribe'
/** What a mail program posts (RFC 8058 section 3.2). */
const oneClick = { name: 'List-Unsubscribe', value: 'One-Click' }

export interface Secrets {
  seal(purpose: string, text: string): string
  open(purpose: string, sealed: string): string
}

/** A token names an address without showing it, and is good for as long as the secret that sealed it is known. */
export function unsubscribeToken(secrets: Secrets, address: string): string {
  return secrets.seal(purpose, address)
}

/** The address; nothing for a token that is not ours. */
export function addressOf(secrets: Secrets, token: string): string | undefined {
  try {
    return secrets.open(purpose, token)
  } catch {
    return undefined
  }
}

/** Headers of a message with such a link. */
export function unsubscribeHeaders(url: string): Record<string, string> {
  return { 'List-Unsubscribe': `<${url}>`, 'List-Unsubscribe-Post': `${oneClick.name}=${oneClick.value}` }
}

/** Whether a body, form or multipart, says what a mail program says, and our own page. */
export function isOneClick(body: string): boolean {
  return body.includes(oneClick.name) && body.includes(oneClick.value)
}

export interface UnsubscribePage {
  status: number
  page: string
  headers: Record<string, string>
}

export function unsubscribePage(
  state: 'asks' | 'done' | 'refused',
  { language }: Locale,
  product: string,
): UnsubscribePage {
  const { page: words, direction }: Words = languages[language]
  const said = {
    asks: html`<p>${words.ask(product)}</p>
<form method="post"><input type="hidden" name="${oneClick.name}" value="${oneClick.value}"><button class="main">${words.button}</button></form>`,
    done: html`<p role="status">${words.done(product)}</p>`,
    refused: html`<p class="bad" role="alert">${words.refused}</p>`,
  }
  const content = html`<h1>${words.title}</h1>
${said[state]}`
  return {
    status: state === 'refused' ? 400 : 200,
    page: pageOf(words.title, content, undefined, { language, direction }),
    // Its form leads to this server alone.
    headers: pageHeaders(''),
  }
}
