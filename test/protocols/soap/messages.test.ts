import { join } from 'node:path'
import { test } from 'tap'
import { build } from '../../helper.ts'
import { send, sendRaw, textOf, textsOf } from './message.ts'

const shapes = join(import.meta.dirname, '../../conformance/routes')
/** An `echoShapes` with some of its elements replaced, or taken out. */
function echo(changes: Record<string, string> = {}): string {
  const elements: Record<string, string> = {
    text: '<text>t</text>',
    maybe: '<maybe i:nil="true"/>',
    small: '<small>7</small>',
    int: '<int>1</int>',
    large: '<large>8</large>',
    real: '<real>0.5</real>',
    flag: '<flag>true</flag>',
    moment: '<moment>2026-11-25T12:00:00Z</moment>',
    state: '<state>open</state>',
    list: '<list>a</list>',
    nested: '<nested><label>n</label></nested>',
    record: '<record><entry><key>one</key><value>1</value></entry></record>',
    pet: '<pet><Cat><kind>cat</kind><lives>9</lives></Cat></pet>',
    anything: '<anything>{"any":[1,null]}</anything>',
    ...changes,
  }
  return `<echoShapes xmlns="urn:septet:v1">${Object.values(elements).join('')}</echoShapes>`
}

test('an answer has its element for each result, in the order of the WSDL, whatever that of the message', async (t) => {
  const { app } = await build(t)
  const message = '<n:replaceUser><n:email>z@example.com</n:email><n:name>Z</n:name><n:id>1</n:id></n:replaceUser>'
  const { status, text, headers } = await send(app, message)
  t.equal(status, 200)
  t.equal(headers['content-type'], 'text/xml; charset=utf-8')
  t.match(text, /<replaceUserResponse xmlns="urn:septet:v1"><result><id>1<\/id><name>Z<\/name><email>z@example.com</)
  t.equal(textOf(text, 'ETag'), '"2"')
})

test('SOAP 1.2 is answered in 1.2', async (t) => {
  const { app } = await build(t)
  const { text, headers } = await send(app, '<n:getUser><n:id>1</n:id></n:getUser>', { version: '1.2' })
  t.equal(headers['content-type'], 'application/soap+xml; charset=utf-8')
  t.match(text, 'xmlns:soap="http://www.w3.org/2003/05/soap-envelope"')
})

test('values are read in every form that XML Schema gives them', async (t) => {
  const { app } = await build(t, {}, shapes)
  const forms: [string, string, string][] = [
    ['flag', '1', 'true'],
    ['flag', ' false\n', 'false'],
    ['flag', '0', 'false'],
    ['small', ' +07 ', '7'],
    ['small', '-0', '0'],
    ['large', '-9007199254740991', '-9007199254740991'],
    ['real', '1E-2', '0.01'],
    ['real', '.5', '0.5'],
    ['real', '5.', '5'],
    ['moment', ' 2026-11-25T12:00:00.5+05:30\t', '2026-11-25T12:00:00.5+05:30'],
    ['text', ' a  b ', ' a  b '],
    ['text', 'a<!-- not text -->b', 'ab'],
    ['text', '<![CDATA[<&]]>]]&gt;', '&lt;&amp;]]&gt;'],
    ['text', '&#x1F680;&#233;&lt;', '🚀é&lt;'],
    ['text', 'a\r\nb&#13;c', 'a\nb&#13;c'],
    ['anything', ' "text" ', '"text"'],
  ]
  for (const [name, form, expected] of forms) {
    const { text } = await send(app, echo({ [name]: `<${name}>${form}</${name}>` }))
    t.equal(textOf(text, name), expected, `${name} ${form}`)
  }
})

test('a form that is none is refused by the schema of the operation, at its element', async (t) => {
  const { app } = await build(t, {}, shapes)
  const forms: [string, string, RegExp][] = [
    ['small', '7.0', /integer/],
    ['small', '0x7', /integer/],
    ['small', '', /integer/],
    ['flag', 'TRUE', /boolean/],
    ['real', 'NaN', /number/],
    ['real', 'INF', /number/],
    ['real', '1e999', /number/],
    ['moment', '2026-11-25T12:00:00', /date-time/],
    ['state', ' open', /allowed values/],
  ]
  for (const [name, form, reason] of forms) {
    const { status, text } = await send(app, echo({ [name]: `<${name}>${form}</${name}>` }))
    t.equal(status, 500)
    t.equal(textOf(text, 'code'), 'validation-failed')
    t.equal(textOf(text, 'pointer'), `/${name}`)
    t.match(textsOf(text, 'detail').join(), reason, `${name} ${form}`)
  }
})

test('an element that the operation does not know is refused by its schema, however often it stands there', async (t) => {
  const { app } = await build(t, {}, shapes)
  const unknown = '<z>1</z><z>2</z><z/>'
  for (const body of [
    `<getUser xmlns="urn:septet:v1"><id>1</id>${unknown}</getUser>`,
    echo({ nested: `<nested><label>n</label>${unknown}</nested>` }),
    echo({ record: `<record><entry><key>k</key><value>1</value>${unknown}</entry></record>` }),
  ]) {
    const { text } = await send(app, body)
    t.equal(textOf(text, 'code'), 'validation-failed', body)
  }
})

test('what XML alone can get wrong is refused at its element', async (t) => {
  const { app } = await build(t, {}, shapes)
  const wrong: [Record<string, string>, string, RegExp][] = [
    [{ text: '<text>a</text><text>b</text>' }, '/text/1', /once/],
    [{ text: '<x:text xmlns:x="urn:other">a</x:text>' }, '/text', /namespace urn:septet:v1, not "urn:other/],
    [{ text: '<text xmlns="">a</text>' }, '/text', /namespace/],
    [{ text: '<text>a<b/></text>' }, '/text', /no elements/],
    [{ nested: '<nested>a<label>n</label></nested>' }, '/nested', /no text/],
    [{ maybe: '<maybe i:nil="true">a</maybe>' }, '/maybe', /nil/],
    [{ pet: '<pet/>' }, '/pet', /Cat or Dog/],
    [{ pet: '<pet><Cat/><Dog/></pet>' }, '/pet', /one element/],
    [{ pet: '<pet><Cow/></pet>' }, '/pet', /Cat or Dog/],
    [{ anything: '<anything>{</anything>' }, '/anything', /JSON/],
    [{ anything: '<anything>{"__proto__":1}</anything>' }, '/anything', /JSON/],
    [{ record: '<record><entry><key>k</key></entry></record>' }, '/record/entry', /key and a value/],
    [{ record: '<record><other/></record>' }, '/record/other', /entry/],
    [
      {
        record:
          '<record><entry><key>k</key><value>1</value></entry><entry><key>k</key><value>1</value></entry></record>',
      },
      '/record/entry/1',
      /key of its own/,
    ],
    [{ nested: '<nested i:type="n:Cat"><label>n</label></nested>' }, '/nested', /type/],
  ]
  for (const [changes, pointer, reason] of wrong) {
    const { text } = await send(app, echo(changes))
    t.equal(textOf(text, 'code'), 'validation-failed')
    t.equal(textOf(text, 'pointer'), pointer)
    t.match(textsOf(text, 'detail').join(), reason)
  }
})

test('a list is repeated elements: none for an empty one, a single nil for one that could be absent', async (t) => {
  const { app } = await build(t, {}, shapes)
  t.same(textsOf((await send(app, echo({ list: '' }))).text, 'list'), [])
  t.same(textsOf((await send(app, echo({ list: '<list>a</list><list>b</list>' }))).text, 'list'), ['a', 'b'])
  t.equal(textOf((await send(app, echo({ list: '<list i:nil="1"/>' }))).text, 'pointer'), '/list/0')
})

test('names that every object has are properties like others', async (t) => {
  const { app } = await build(t, {}, shapes)
  for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty']) {
    const { text } = await send(app, echo({ more: `<${name}>1</${name}>` }))
    t.equal(textOf(text, 'pointer'), `/${name}`)
    t.match(textsOf(text, 'detail').join(), /additional properties/)
    const entry = `<record><entry><key>${name}</key><value>1</value></entry></record>`
    t.equal(textOf((await send(app, echo({ record: entry }))).text, 'key'), name)
    t.equal(textOf((await send(app, `<n:${name}/>`)).text, 'code'), 'not-found')
  }
})

test('characters that XML cannot hold are answered as U+FFFD', async (t) => {
  const { app } = await build(t)
  const { statusCode } = await app.inject({
    method: 'POST',
    url: '/users',
    payload: { name: 'a\u0001b\uffffc\rd<&>"', email: 'c@example.com' },
  })
  t.equal(statusCode, 201)
  const { text } = await send(app, '<n:getUser><n:id>3</n:id></n:getUser>')
  t.equal(textOf(text, 'name'), 'a\ufffdb\ufffdc&#13;d&lt;&amp;&gt;"')
})

test('only declared properties leave', async (t) => {
  const { app } = await build(t, {}, shapes)
  t.notMatch((await send(app, echo())).text, 'undeclared')
})

test('UTF-8 and UTF-16 are read, with and without a byte order mark', async (t) => {
  const { app } = await build(t)
  const message = `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><findUser xmlns="urn:septet:v1"><id>1</id></findUser></s:Body></s:Envelope>`
  const declared = (encoding: string) => `<?xml version="1.0" encoding="${encoding}"?>${message}`
  const swapped = (text: string) => Buffer.from(text, 'utf16le').swap16()
  const good: [Buffer, string][] = [
    [Buffer.from(message), 'text/xml'],
    [Buffer.from(`\ufeff${declared('UTF-8')}`), 'text/xml; charset="UTF-8"'],
    [Buffer.from(declared('us-ascii')), 'text/xml; charset=us-ascii'],
    [Buffer.from(`\ufeff${declared('utf-16')}`, 'utf16le'), 'text/xml'],
    [Buffer.from(declared('utf-16'), 'utf16le'), 'text/xml; charset=utf-16le'],
    [swapped(`\ufeff${declared('UTF-16')}`), 'text/xml; charset=utf-16'],
    [swapped(message), 'text/xml; charset=UTF-16'],
  ]
  for (const [bytes, type] of good)
    t.match(await sendRaw(app, bytes, { headers: { 'content-type': type } }), { status: 200, text: /Mohamed/ }, type)
  const bad: [Buffer, string, string][] = [
    [Buffer.from(message, 'utf16le'), 'text/xml; charset=utf-8', 'malformed-request'],
    [Buffer.from(declared('iso-8859-1')), 'text/xml', 'malformed-request'],
    [Buffer.from(declared('utf-16')), 'text/xml; charset=utf-8', 'malformed-request'],
    [Buffer.from(message), 'text/xml; charset=iso-8859-1', 'unsupported-media-type'],
    [Buffer.from(message), 'text/xml; charset=utf-7', 'unsupported-media-type'],
    [Buffer.from([...Buffer.from(message.slice(0, -20)), 0xff, 0xc0]), 'text/xml', 'malformed-request'],
    [Buffer.from([0xff, 0xfe, 0x00, 0xd8]), 'text/xml', 'malformed-request'],
  ]
  for (const [bytes, type, code] of bad) {
    const { status, text } = await sendRaw(app, bytes, { headers: { 'content-type': type } })
    t.same([status, textOf(text, 'code')], [500, code], type)
  }
})

test('header blocks are headers of the call, and what REST says in headers comes back as header blocks', async (t) => {
  const { app } = await build(t)
  const create = '<n:createUser><n:name>Z</n:name><n:email>z@example.com</n:email></n:createUser>'
  const blocks = '<n:IdempotencyKey>k</n:IdempotencyKey>'
  const first = await send(app, create, { blocks })
  t.equal(textOf(first.text, 'Location'), '/users/3')
  const again = await send(app, create, { blocks })
  t.equal(textOf(again.text, 'IdempotentReplayed'), 'true')
  t.equal(textOf(again.text, 'id'), '3')
  const update = '<n:updateUser><n:id>3</n:id><n:name>Y</n:name></n:updateUser>'
  const stale = await send(app, update, { blocks: '<n:IfMatch>"9"</n:IfMatch>', version: '1.2' })
  t.match(stale, { status: 400, text: /<soap:Value xmlns:s="urn:septet:v1">s:precondition-failed</ })
  const list = await send(app, '<n:listUsers><n:limit>1</n:limit></n:listUsers>', {
    blocks: '<n:Prefer>count=exact</n:Prefer>',
  })
  t.equal(textOf(list.text, 'TotalCount'), '3')
  t.match(textOf(list.text, 'nextCursor'), /^\w+$/)
})

test('the last page has a cursor that is nil', async (t) => {
  const { app } = await build(t)
  t.match((await send(app, '<n:listUsers/>')).text, '<nextCursor xsi:nil="true"/>')
})

test('the version that a client has does not keep its answer back', async (t) => {
  const { app } = await build(t)
  const message = '<n:getUser><n:id>1</n:id></n:getUser>'
  const { status, text } = await send(app, message, { headers: { 'if-none-match': '"1"' } })
  t.match({ status, text }, { status: 200, text: /Mohamed/ })
})

test('an answer names the message that it answers, and nothing else of WS-Addressing', async (t) => {
  const { app } = await build(t)
  const wsa = 'xmlns:a="http://www.w3.org/2005/08/addressing"'
  const blocks = [
    `<a:MessageID ${wsa}>urn:uuid:1</a:MessageID>`,
    `<a:Action ${wsa} s:mustUnderstand="1">urn:septet:v1:getUser</a:Action>`,
    `<a:To ${wsa} s:mustUnderstand="1">http://localhost/soap</a:To>`,
    `<a:ReplyTo ${wsa} s:mustUnderstand="1"><a:Address>http://www.w3.org/2005/08/addressing/anonymous</a:Address></a:ReplyTo>`,
  ].join('')
  for (const id of [1, 99]) {
    const { text } = await send(app, `<n:getUser><n:id>${id}</n:id></n:getUser>`, { version: '1.2', blocks })
    t.equal(textOf(text, 'RelatesTo'), 'urn:uuid:1')
    t.same(text.match(/<wsa:\w+/g), ['<wsa:RelatesTo'])
  }
  const elsewhere = `<a:ReplyTo ${wsa} s:mustUnderstand="1"><a:Address>http://other/</a:Address></a:ReplyTo>`
  const refused = await send(app, '<n:getUser><n:id>1</n:id></n:getUser>', { version: '1.2', blocks: elsewhere })
  t.match(refused.text, '<soap:Value>soap:MustUnderstand</soap:Value>')
})
