/** The characters, names and references of XML 1.0, and of Namespaces in XML 1.0. */

const starts = 1
const goesOn = 2
const ascii = new Uint8Array(128)
for (const [kind, names] of [
  [starts | goesOn, 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_'],
  [goesOn, '0123456789-.'],
] as const) {
  for (const each of names) ascii[each.charCodeAt(0)] = kind
}

const further =
  'A-Za-z_\\xc0-\\xd6\\xd8-\\xf6\\xf8-\\u02ff\\u0370-\\u037d\\u037f-\\u1fff\\u200c\\u200d\\u2070-\\u218f\\u2c00-\\u2fef\\u3001-\\ud7ff\\uf900-\\ufdcf\\ufdf0-\\ufffd\\u{10000}-\\u{effff}'
const ncName = new RegExp(`[${further}][${further}\\-.0-9\\xb7\\u0300-\\u036f\\u203f\\u2040]*`, 'uy')

/** Where a name without a colon ends that begins at an index; the index itself where none begins. */
export function endOfName(text: string, from: number): number {
  let at = from
  let code = text.charCodeAt(at)
  if (code < 128 && ((ascii[code] as number) & starts) === 0) return from
  while (code < 128 && ((ascii[code] as number) & goesOn) !== 0) {
    at += 1
    code = text.charCodeAt(at)
  }
  return code < 128 || Number.isNaN(code) ? at : endOfAnyName(text, from)
}

function endOfAnyName(text: string, from: number): number {
  ncName.lastIndex = from
  return ncName.test(text) ? ncName.lastIndex : from
}

/** The first place past white space. */
export function pastSpace(text: string, from: number): number {
  let at = from
  while (isSpace(text.charCodeAt(at))) at += 1
  return at
}

export function isSpace(code: number): boolean {
  return code === 32 || code === 10 || code === 9 || code === 13
}

/** Whether it is more than white space. */
export function isText(text: string): boolean {
  return text !== '' && pastSpace(text, 0) < text.length
}

/** What no document may hold (section 2.2), beside lone surrogates, which bytes cannot say. */
const forbidden = /[^\P{Cc}\t\n\r\x7f-\x9f]|[\ufffe\uffff]/u

/** Where the first forbidden character stands. */
export function firstForbidden(text: string): number {
  const at = text.search(forbidden)
  return at === -1 ? Number.POSITIVE_INFINITY : at
}

const named: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }
const reference = /&(?:#0*(\d{1,7})|#x0*([\da-fA-F]{1,6})|(\w+))?(;?)/g

/**
 * Text with its references replaced, and nothing else.
 *
 * @throws for a reference to what nobody has declared, or to no character.
 */
export function withoutReferences(text: string): string {
  return text.replace(reference, (whole, decimal?: string, hex?: string, name?: string, end?: string) => {
    if (end !== ';') throw new Error('an & must begin a reference')
    if (name !== undefined && Object.hasOwn(named, name)) return named[name] as string
    const code = decimal === undefined ? Number.parseInt(hex ?? '', 16) : Number(decimal)
    if (isCharacter(code)) return String.fromCodePoint(code)
    throw new Error(name === undefined ? `${whole} is no character` : 'an entity is not declared')
  })
}

function isCharacter(code: number): boolean {
  if (code < 32) return code === 9 || code === 10 || code === 13
  return code <= 0xd7ff || (code >= 0xe000 && code <= 0xfffd) || (code >= 0x10000 && code <= 0x10ffff)
}

const space = '[ \\t\\n]'
const value = (pattern: string) => `${space}*=${space}*(?:"(${pattern})"|'(${pattern})')`
const declaration = new RegExp(
  `<\\?xml${space}+version${value('1\\.\\d+')}(?:${space}+encoding${value('[A-Za-z][\\w.-]*')})?(?:${space}+standalone${value('yes|no')})?${space}*\\?>`,
  'y',
)

export interface Declaration {
  version: string
  encoding: string | undefined
  /** Where the document goes on. */
  end: number
}

/** The declaration that a document begins with; nothing where there is none, or none that is well-formed. */
export function readDeclaration(text: string, from: number): Declaration | undefined {
  declaration.lastIndex = from
  const found = declaration.exec(text)
  if (found === null) return undefined
  const [, version = found[2] ?? '', , encoding = found[4]] = found
  return { version, encoding, end: declaration.lastIndex }
}
