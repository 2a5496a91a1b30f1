/**
 * A letter as HTML. Mail programs know little of it: one column, colours inline for those that drop `style`, and dark ones
 * for those that keep it. Nothing is loaded from anywhere; every text is escaped.
 */

import { html } from '../../auth/oauth/page.ts'
import type { Letter } from './letter.ts'

const paragraph = 'margin:0 0 16px;font-size:16px;line-height:1.5;color:#1b1f24'
const small = 'margin:0 0 12px;font-size:13px;line-height:1.5;color:#57606a'

export function htmlOf(letter: Letter): string {
  const { locale, direction, subject, heading, product, hello, text, closing = [], because, unsubscribe } = letter
  const align = direction === 'rtl' ? 'right' : 'left'
  const said = (texts: readonly string[]) =>
    texts.map((each) => html`<p class="text" style="${paragraph}">${each}</p>\n`)
  return html`<!doctype html>
<html lang="${locale.language}" dir="${direction}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="supported-color-schemes" content="light dark">
<title>${subject}</title>
<style>
:root { color-scheme: light dark; supported-color-schemes: light dark }
@media (prefers-color-scheme: dark) {
  .ground { background: #14171a !important }
  .card { background: #1f2428 !important; border-color: #4a535c !important }
  .text { color: #e6e8ea !important }
  .soft { color: #a3abb3 !important }
  .link { color: #7ab8f5 !important }
  .button { background: #7ab8f5 !important; color: #0c1a28 !important }
}
</style>
</head>
<body class="ground" style="margin:0;padding:0;background:#f3f4f6">
<div class="ground" role="article" aria-label="${heading}" lang="${locale.language}" dir="${direction}" style="padding:24px 12px;background:#f3f4f6;font-family:system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif;text-align:${align}">
<div class="card" style="max-width:560px;margin:0 auto;padding:32px 24px 16px;background:#ffffff;border:1px solid #c4cad1;border-radius:12px">
<p class="soft" style="${small}"><bdi>${product}</bdi></p>
<h1 class="text" style="margin:0 0 16px;font-size:22px;line-height:1.3;color:#1b1f24">${heading}</h1>
${said([hello, ...text])}${action(letter)}${said(closing)}</div>
<div style="max-width:560px;margin:0 auto;padding:16px 24px 0">
<p class="soft" style="${small}">${because}</p>
${unsubscribe && html`<p class="soft" style="${small}"><a class="link" href="${unsubscribe.url}" style="color:#0b5cad">${unsubscribe.label}</a></p>\n`}</div>
</div>
</body>
</html>
`.text
}

/** The link as a button, and to be copied. */
function action({ link, button, orOpen }: Letter) {
  if (link === undefined) return undefined
  return html`<p style="margin:24px 0"><a class="button" href="${link}" style="display:inline-block;padding:12px 20px;border-radius:8px;background:#0b5cad;color:#ffffff;font-size:16px;font-weight:600;text-decoration:none">${button}</a></p>
<p class="soft" style="${small}">${orOpen}<br><a class="link" href="${link}" dir="ltr" style="display:inline-block;color:#0b5cad;text-align:left;overflow-wrap:anywhere;word-break:break-all">${link}</a></p>
`
}
