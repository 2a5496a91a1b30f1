/** Text in every script and of every length. */

import { type Case, failed, invalid, one, violating } from './case.ts'

const texts = {
  'of letters with marks': 'e\u0301 ñ ü ǆ ﬁ',
  'from right to left': 'علي \u202eعكس\u202c שלום',
  'beyond the basic plane': '👩🏽‍🚀 𝒳 𠮷 🇪🇬',
  'with controls': 'tab\t line\n return\r bell\u0007 escape\u001b delete\u007f',
  'with separators and a mark of byte order': '\ufeff\u2028\u2029\u00a0\u200b',
  'with what markup and queries mean': '<a href="x">&amp;\']]></a> {{x}} `x` \\ %00 \'; --',
  'with noncharacters': '\ufffe\uffff\ufdd0',
  'that names a prototype': '__proto__ constructor',
  'of spaces': '   ',
}
const illFormed = { 'with NUL': 'a\0b', 'with half a pair': 'a\ud83d', 'with the other half': '\ude00b' }
/** Of texts that hold what XML 1.0 does not (section 2.2). */
const noXml = {
  SOAP: {
    reason: 'no XML can hold it: the message is malformed, at that element',
    expect: failed('malformed-request', 400, { pointers: ['/text'] }),
  },
}
const forbiddenInXml = ['with controls', 'with noncharacters']
const longest = 'n'.repeat(200)

export const textCases: readonly Case[] = [
  ...Object.entries(texts).map(([name, text]) =>
    one(
      `text ${name}`,
      'echoText',
      { text, inQuery: text },
      { value: { text, inQuery: text } },
      undefined,
      forbiddenInXml.includes(name) ? noXml : undefined,
    ),
  ),
  ...Object.entries(illFormed).flatMap(([name, text]) => [
    one(
      `text ${name}`,
      'echoText',
      { text },
      violating(['body', '/text', 'must be well-formed Unicode without NUL']),
      undefined,
      noXml,
    ),
  ]),
  one(
    'names of a record',
    'echoText',
    { text: '', record: { '': 1, 'a b': 2, ключ: 3, 'x.y/z~': 4, toString: 5 } },
    {
      value: { record: { '': 1, 'a b': 2, ключ: 3, 'x.y/z~': 4, toString: 5 } },
    },
  ),
  one(
    'a name of a record that is ill-formed',
    'echoText',
    { text: '', record: { 'a~/b': 'x' } },
    invalid('/record/a~0~1b'),
  ),
  one('a text as long as it may be', 'echoText', { text: longest }, { value: { text: longest } }),
  one(
    'a text that is too long',
    'echoText',
    { text: `${longest}n` },
    violating(['body', '/text', 'must NOT have more than 200 characters']),
  ),
  one(
    'a text of as many letters beyond the basic plane',
    'echoText',
    { text: '👩'.repeat(200) },
    { value: { text: '👩'.repeat(200) } },
  ),
  one('a long text', 'echoText', { text: '', long: 'é'.repeat(100_000) }, { value: { long: 'é'.repeat(100_000) } }),
  one('a long text that is too long', 'echoText', { text: '', long: 'l'.repeat(100_001) }, invalid('/long')),
  one('a long query', 'echoText', { text: '', inQuery: '€'.repeat(1000) }, { value: { inQuery: '€'.repeat(1000) } }),
]
