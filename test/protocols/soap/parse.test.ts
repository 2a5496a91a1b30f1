import { SaxesParser, type SaxesTagNS } from 'saxes'
import { test } from 'tap'
import type { XmlElement } from '../../../src/protocols/soap/element.ts'
import { XmlReader } from '../../../src/protocols/soap/parse.ts'
import { envelope } from './message.ts'

/** An element as both readers can say it. */
type Plain = [uri: string, local: string, text: string, attributes: string[], children: Plain[]]

const xmlns = 'http://www.w3.org/2000/xmlns/'
const attribute = (each: { uri: string; local: string; value: string }) => `{${each.uri}}${each.local}=${each.value}`

function read(text: string): Plain | undefined {
  const plain = ({ uri, local, text, attributes, children }: XmlElement): Plain => [
    uri,
    local,
    text,
    attributes.map(attribute),
    children.map(plain),
  ]
  try {
    return plain(new XmlReader().read(text))
  } catch {
    return undefined
  }
}

/** What saxes lets pass: names behind a colon that begin as none may, and spaces around the name of a namespace. */
class Lenient extends Error {}

/**
 * What saxes reads, where it is a document without what SOAP forbids.
 *
 * @throws {Lenient} where it reads what is none.
 */
function readBySaxes(text: string): Plain | undefined {
  const parser = new SaxesParser({ xmlns: true })
  const refuse = () => {
    throw new Error('forbidden')
  }
  const open: Plain[] = [['', '', '', [], []]]
  const add = (text: string) => {
    const [last] = open.slice(-1)
    if (last !== undefined && open.length > 1) last[2] += text
  }
  parser.on('doctype', refuse)
  parser.on('processinginstruction', refuse)
  parser.on('xmldecl', ({ version }) => version === '1.0' || refuse())
  parser.on('opentag', ({ uri, local, attributes }: SaxesTagNS) => {
    const all = Object.values(attributes)
    const own = all.filter((each) => each.uri !== xmlns)
    if ([local, ...all.map((each) => each.local)].some((name) => /^[-.\d\u00b7]/.test(name))) throw new Lenient()
    if (all.some((each) => each.uri === xmlns && each.value !== each.value.trim())) throw new Lenient()
    const element: Plain = [uri, local, '', own.map(attribute), []]
    open.at(-1)?.[4].push(element)
    open.push(element)
  })
  parser.on('closetag', () => void open.pop())
  parser.on('text', add)
  parser.on('cdata', add)
  try {
    parser.write(text).close()
    return open[0]?.[4][0]
  } catch (error) {
    if (error instanceof Lenient) throw error
    return undefined
  }
}

const documents = [
  envelope('<n:getUser><n:id>1</n:id></n:getUser>', { blocks: '<n:IfMatch s:mustUnderstand="1">"7"</n:IfMatch>' }),
  '<?xml version="1.0" encoding="UTF-8" standalone=\'yes\'?>\r\n<a xmlns="urn:a" b=\'"&#x41;"\' xml:lang="en">\r\n <b xmlns=""/>é&amp;&lt;<![CDATA[<&]]]>\t</a> <!-- - -->',
  '\ufeff<!-- c --><p:a xmlns:p="urn:a" p:b="&quot;&apos;&#10;\t" b="2"><p:b\n>]] &gt;\u{1f680}</p:b ><c/></p:a>\n',
  '<é_-.1 xmlns:q="urn:q" q:ü="&#233;"><q:a xmlns:q="urn:r" q:type="q:b">&#x1F680;</q:a></é_-.1>',
]

const pieces = [
  ...'<>/!?&;:=\'" \t\r\n[]-#x0_a1.é',
  ...['&amp;', '&#65;', '&#x0;', '&#xD800;', '&nbsp;', ']]>', '<![CDATA[', '-->', '<!--', '<?', '?>', '<!', '</', '/>'],
  ...['xmlns=""', ' xmlns:n="urn:n"', ' xmlns:xml="urn:x"', ' n:a="1"', ' a="1"', '<n:a/>', '<a>', '</a>', '<?xml ?>'],
  ...['\u0000', '\u0085', '\u2028', '\ufffe', '\ufeff', '\ud800', '\u{1f680}', '\u00b7', '<!DOCTYPE a>', ':a', 'a:'],
]

/** The same numbers in every run. */
function* random(): Generator<number, never> {
  let state = 42
  for (;;) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    yield state / 2 ** 32
  }
}

test('what is read of a document is what another reader reads of it', (t) => {
  for (const document of documents) {
    t.ok(read(document), document)
    t.same(read(document), readBySaxes(document))
  }
  t.end()
})

test('documents that are changed at random are read, or refused, as by another reader', (t) => {
  const numbers = random()
  const below = (limit: number) => Math.floor(numbers.next().value * limit)
  const tally = { read: 0, refused: 0, lenient: 0 }
  const rounds = 20_000
  for (let round = 0; round < rounds; round += 1) {
    let text = documents[below(documents.length)] as string
    for (let change = below(2); change >= 0; change -= 1) {
      const at = below(text.length + 1)
      text = text.slice(0, at) + pieces[below(pieces.length)] + text.slice(at + below(4))
    }
    // Bytes cannot say what is half a character.
    if (!text.isWellFormed()) continue
    try {
      const [own, other] = [read(text), readBySaxes(text)]
      if (JSON.stringify(own) !== JSON.stringify(other)) t.same(own, other, JSON.stringify(text))
      tally[own === undefined ? 'refused' : 'read'] += 1
    } catch (error) {
      if (!(error instanceof Lenient)) throw error
      tally.lenient += 1
    }
  }
  t.ok(tally.read > rounds / 20 && tally.refused > rounds / 10, JSON.stringify(tally))
  t.ok(tally.lenient < rounds / 20, JSON.stringify(tally))
  t.end()
})
