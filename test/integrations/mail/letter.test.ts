import { test } from 'tap'
import { htmlOf } from '../../../src/integrations/mail/html.ts'
import { languageNames, languages, localeOf, momentIn } from '../../../src/integrations/mail/languages/languages.ts'
import { letterOf, shownName } from '../../../src/integrations/mail/letter.ts'
import { textOf } from '../../../src/integrations/mail/text.ts'
import { noticeKinds } from '../../../src/schemas/notice.ts'

const createdAt = '2026-11-26T18:04:00.000Z'
const expiresAt = '2026-11-27T18:04:00.000Z'
const link = 'https://api.example.com/auth/verify-email#token=abc'
const unsubscribe = 'https://api.example.com/mail/unsubscribe?token=a&b'
const hasLink = new Set(['verify-email', 'reset-password'])

function rendered(kind: (typeof noticeKinds)[number], tag: string, name = 'Fatima', product = 'Septet') {
  const notice = { kind, name, createdAt, expiresAt, ...(hasLink.has(kind) && { link }) }
  const letter = letterOf({ ...notice, link: notice.link }, localeOf(tag, 'en'), product, unsubscribe)
  return { letter, html: htmlOf(letter), text: textOf(letter) }
}

/** What a reader sees of HTML. */
function seen(html: string): string {
  const entities: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'" }
  return html
    .replace(/<head>.*<\/head>/s, '')
    .replaceAll(/<[^>]*>/g, ' ')
    .replaceAll(/&([^;]+);/g, (_, name: string) => entities[name] ?? '?')
}

test('every message in every language says the same as HTML and as text', (t) => {
  const subjects = new Set<string>()
  for (const language of languageNames) {
    for (const kind of noticeKinds) {
      const { letter, html, text } = rendered(kind, language)
      const name = `${kind} in ${language}`
      for (const part of [letter.hello, ...letter.text, ...(letter.closing ?? []), letter.because]) {
        t.ok(text.includes(part) && seen(html).includes(part), `${name}: ${part.slice(0, 30)}`)
      }
      t.equal(text.includes(link), hasLink.has(kind), name)
      t.equal(html.includes(`href="${link}"`), hasLink.has(kind), name)
      t.equal(letter.button !== undefined, hasLink.has(kind), name)
      t.match(letter.subject, /Septet/, name)
      t.notMatch(`${letter.subject}${text}${html}`, /undefined|\[object|NaN/, name)
      t.ok([...letter.subject].length <= 78, `${name}: a short subject`)
      subjects.add(letter.subject)
    }
  }
  t.equal(subjects.size, languageNames.length * noticeKinds.length, 'no two are alike')
  t.end()
})

test('messages load nothing, run nothing, and say their language', (t) => {
  for (const language of languageNames) {
    for (const kind of noticeKinds) {
      const { html } = rendered(kind, language)
      const { direction } = languages[language]
      t.match(html, `<html lang="${language}" dir="${direction}">`)
      t.match(html, /<title>[^<]+<\/title>/)
      t.equal(html.match(/<h1/g)?.length, 1)
      t.notMatch(
        html,
        /<(img|script|iframe|link|object|embed|form|svg|video|audio|source)\b|url\(|@import|\son\w+=|src=/i,
      )
      t.equal(html.includes('text-align:right'), direction === 'rtl')
    }
  }
  t.end()
})

test('nothing that a stranger writes becomes HTML, a link, or another line', (t) => {
  const evil = '<img src=x onerror=alert(1)>"\''
  const { html, text, letter } = rendered('welcome', 'en', evil, evil)
  t.notMatch(html, '<img')
  t.match(html, '&lt;img src=x onerror=alert(1)&gt;&quot;&#39;')
  t.match(html, 'href="https://api.example.com/mail/unsubscribe?token=a&amp;b"')
  t.notMatch(letter.subject, /[\r\n]/)
  t.match(text, /^Hello <img/)
  for (const name of [
    'Win at https://evil.example',
    'evil.example',
    'www.evil.example has news',
    'write to me@evil.example',
    'evil.example/path',
    'evil2.example',
    'evil。example',
    'casino777.com',
    'casino777。com',
    'casino777．com',
    'casino777｡com',
    'casino777․com',
    'casino.7com',
    'evil.\u200bexample',
    'https：／／evil',
    'Call +1 (900) 555',
    'Call 0900-12',
    'Call ٠٩٠٠١٢',
    'Your account is closed. Open the following address at once, or you lose all of it',
    '\u202e\u0000',
    ' ',
    '',
  ]) {
    t.equal(shownName(name, 'ltr'), undefined, JSON.stringify(name))
    t.match(rendered('verify-email', 'en', name).text, /^Hello,\n\nSomebody/)
  }
  t.equal(shownName('Fatima\r\nBcc: x'.replace(':', ''), 'ltr'), 'Fatima Bcc x')
  t.equal(shownName('Louis 14 Jr.', 'ltr'), 'Louis 14 Jr.')
  t.equal(shownName('J. R. Müller-Lüdenscheidt', 'ltr'), 'J. R. Müller-Lüdenscheidt')
  t.equal(shownName('\u202eFatima\u202c', 'ltr'), 'Fatima', 'what turns the text round is left out')
  t.equal(shownName('نازنین‌زهرا', 'rtl'), '\u2068نازنین\u200cزهرا\u2069', 'what joins letters stays')
  t.equal(shownName('فاطمة', 'ltr'), '\u2068فاطمة\u2069')
  t.equal(shownName('Fatima', 'rtl'), '\u2068Fatima\u2069')
  t.end()
})

test('the language is the first by weight that there is', (t) => {
  for (const [header, expected] of [
    [undefined, 'fr'],
    ['', 'fr'],
    ['de', 'de'],
    ['de-CH, en;q=0.9', 'de-CH'],
    ['nl, es;q=0.5, ar;q=0.8', 'ar'],
    ['en;q=0.2, AR-eg;q=0.9', 'ar-eg'],
    ['de;q=0, en;q=0.1', 'en'],
    ['*', 'fr'],
    ['deu, del, de-u-ca-buddhist', 'de'],
    ['zh-Hant-TW, xx', 'fr'],
    ['es-419', 'es-419'],
    [';;;q=,,,', 'fr'],
    ['de;q=abc, es', 'es'],
  ] as const) {
    t.equal(localeOf(header, 'fr').tag, expected, String(header))
  }
  t.end()
})

test('a moment is written as its reader does, with the time zone', (t) => {
  const written = (tag: string) => momentIn(localeOf(tag, 'en'), createdAt)
  t.match(written('en'), /^November 26, 2026 at 6:04\sPM UTC$/)
  t.match(written('en-GB'), /^26 November 2026 at 18:04 UTC$/)
  t.match(written('de'), /^26\. November 2026 um 18:04 UTC$/)
  t.match(written('fr'), /^26 novembre 2026 à 18:04 UTC$/)
  t.match(written('es'), /^26 de noviembre de 2026, 18:04 UTC$|^26 de noviembre de 2026 a las 18:04 UTC$/)
  t.match(written('ar-EG'), /^٢٦ نوفمبر ٢٠٢٦ .*UTC$/)
  t.match(rendered('verify-email', 'de').text, '27. November 2026 um 18:04 UTC')
  t.end()
})
