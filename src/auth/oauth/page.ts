/** Pages for people: plain HTML, from texts that are escaped wherever they come from. */

import { createHash } from 'node:crypto'

/** HTML that may be put into a page as it is. */
class Html {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

type Part = string | Html | undefined | readonly Html[]

/** Escapes every part that is not HTML already. */
export function html(texts: TemplateStringsArray, ...parts: readonly Part[]): Html {
  return new Html(texts.reduce((all, text, index) => all + render(parts[index - 1]) + text))
}

const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }

function render(part: Part): string {
  if (part === undefined) return ''
  if (part instanceof Html) return part.text
  if (typeof part === 'string') return part.replace(/[&<>"']/g, (character) => entities[character] ?? '')
  return part.map(({ text }) => text).join('')
}

const style = `
:root { color-scheme: light dark; --ground: #f3f4f6; --card: #fff; --text: #1b1f24; --soft: #57606a; --line: #c4cad1; --accent: #0b5cad; --on-accent: #fff; --bad: #b3261e }
@media (prefers-color-scheme: dark) { :root { --ground: #14171a; --card: #1f2428; --text: #e6e8ea; --soft: #a3abb3; --line: #4a535c; --accent: #7ab8f5; --on-accent: #0c1a28; --bad: #ff9a90 } }
* { box-sizing: border-box }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 1rem; background: var(--ground); color: var(--text); font: 1rem/1.5 system-ui, sans-serif }
main { width: 100%; max-width: 25rem; padding: 2rem; background: var(--card); border: 1px solid var(--line); border-radius: .75rem }
h1 { margin: 0 0 .25rem; font-size: 1.375rem; line-height: 1.3; overflow-wrap: anywhere }
p { margin: 0 0 1rem; color: var(--soft); overflow-wrap: anywhere }
p strong { color: var(--text) }
p.last { margin: 1.25rem 0 0 }
ul { margin: 0 0 1rem; padding: 0; list-style: none; border: 1px solid var(--line); border-radius: .5rem }
li { padding: .625rem .875rem; overflow-wrap: anywhere }
li + li { border-top: 1px solid var(--line) }
label { display: block; margin-bottom: .25rem; font-weight: 600 }
input { width: 100%; margin-bottom: 1rem; padding: .625rem .75rem; font: inherit; color: inherit; background: transparent; border: 1px solid var(--line); border-radius: .5rem }
button { width: 100%; margin-top: .5rem; padding: .625rem .75rem; font: inherit; font-weight: 600; cursor: pointer; color: var(--accent); background: transparent; border: 1px solid var(--line); border-radius: .5rem }
button.main { color: var(--on-accent); background: var(--accent); border-color: var(--accent) }
button.link { display: inline; width: auto; margin: 0; padding: 0; border: 0; text-decoration: underline }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px }
.bad { padding: .625rem .875rem; color: var(--bad); border: 1px solid currentColor; border-radius: .5rem }
@media (max-width: 24rem) { main { padding: 1.25rem } }
`

const styleHash = hashOf(style)

/** Content Security Policy Level 3 section 2.3.1. */
function hashOf(text: string): string {
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`
}

interface Written {
  language: string
  direction: 'ltr' | 'rtl'
}

/** A whole page; its script is of this server, never made of what somebody has sent. */
export function pageOf(
  title: string,
  content: Html,
  script?: string,
  { language, direction }: Written = { language: 'en', direction: 'ltr' },
): string {
  return html`<!doctype html>
<html lang="${language}" dir="${direction}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<style>${new Html(style)}</style>
</head>
<body>
<main>
${content}
</main>
${script === undefined ? undefined : html`<script>${new Html(script)}</script>`}</body>
</html>
`.text
}

/**
 * Headers of a page. `redirectsTo`: where answering its form may lead to, which browsers check at each redirect
 * (Content Security Policy Level 3 section 6.4.1). `script`: the page's own, which may ask this server.
 */
export function pageHeaders(redirectsTo?: string, script?: string): Record<string, string> {
  const formAction = redirectsTo === undefined ? "'none'" : `'self' ${redirectsTo}`
  const scripted = script === undefined ? '' : `script-src ${hashOf(script)}; connect-src 'self'; `
  return {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': `default-src 'none'; style-src ${styleHash}; ${scripted}form-action ${formAction}; frame-ancestors 'none'; base-uri 'none'`,
    'x-frame-options': 'DENY',
    // With no-referrer, browsers would say `Origin: null` when they send the form.
    'referrer-policy': 'same-origin',
    'cache-control': 'no-store',
  }
}
