import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { performance } from 'node:perf_hooks'
import { gzipSync } from 'node:zlib'
import { test } from 'tap'
import { XmlReader } from '../../../src/protocols/soap/parse.ts'
import { build, listen } from '../../helper.ts'
import { envelope, send, sendRaw, textOf, textsOf } from './message.ts'

const getUser = '<n:getUser><n:id>1</n:id></n:getUser>'
const declaration = '<?xml version="1.0"?>'

test('a document type definition is refused, whatever it would do', async (t) => {
  const { app } = await build(t)
  const laughs = Array.from({ length: 9 }, (_, n) => `<!ENTITY l${n + 1} "${`&l${n};`.repeat(10)}">`).join('')
  const definitions = [
    `<!DOCTYPE x [<!ENTITY l0 "ha">${laughs}]>`,
    '<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]>',
    '<!DOCTYPE x [<!ENTITY % p SYSTEM "http://127.0.0.1:1/x.dtd"> %p;]>',
    '<!DOCTYPE x SYSTEM "http://127.0.0.1:1/x.dtd">',
    `<!DOCTYPE x [<!ENTITY q "${'q'.repeat(50_000)}">]>`,
    '<!DOCTYPE s:Envelope>',
  ]
  for (const definition of definitions) {
    const body = '<n:getUser><n:id>&l9;&f;&q;</n:id></n:getUser>'
    const { status, text } = await sendRaw(app, declaration + definition + envelope(body))
    t.match({ status, text }, { status: 500, text: /document type definition is not accepted/ })
    t.notMatch(text, /root:/)
  }
})

test('entities that nobody has declared, processing instructions and XML 1.1 are refused', async (t) => {
  const { app } = await build(t)
  const messages = [
    envelope('<n:getUser><n:id>&x;</n:id></n:getUser>'),
    envelope('<n:getUser><n:id>&nbsp;</n:id></n:getUser>'),
    envelope('<n:getUser><?php 1 ?><n:id>1</n:id></n:getUser>'),
    `<?xml-stylesheet href="x"?>${envelope(getUser)}`,
    `<?xml version="1.1"?>${envelope(getUser)}`,
  ]
  for (const message of messages)
    t.equal(textOf((await sendRaw(app, message)).text, 'code'), 'malformed-request', message.slice(0, 40))
})

test('what is not well-formed is refused at the element that was open', async (t) => {
  const { app } = await build(t)
  const bodies: [string, string | undefined][] = [
    ['<n:getUser><n:id>1</n:getUser>', '/id'],
    ['<n:getUser><n:id>&#0;</n:id></n:getUser>', '/id'],
    ['<n:getUser><n:id>\u0001</n:id></n:getUser>', '/id'],
    ['<n:getUser><n:id>&#xD800;</n:id></n:getUser>', '/id'],
    ['<n:getUser><n:id a="1" a="2">1</n:id></n:getUser>', undefined],
    ['<n:getUser><n:id a=1>1</n:id></n:getUser>', undefined],
    ['<n:getUser><n:id>a]]>b</n:id></n:getUser>', '/id'],
    ['<z:getUser/>', undefined],
    ['<n:getUser xmlns:n=""/>', undefined],
    ['<n:getUser><n:id>1<!-- a -- b --></n:id></n:getUser>', '/id'],
  ]
  for (const [body, pointer] of bodies) {
    const { text } = await send(app, body)
    t.equal(textOf(text, 'code'), 'malformed-request', body)
    t.equal(textOf(text, 'pointer'), pointer, body)
  }
  for (const message of ['', ' ', 'x', '{}', '<', '<a>', '<a/><b/>', envelope(getUser).slice(0, -5), '\0'])
    t.equal(textOf((await sendRaw(app, message)).text, 'code'), 'malformed-request', message)
})

test('depth, elements, attributes and names have limits', async (t) => {
  const { app } = await build(t)
  const attributes = (count: number) => Array.from({ length: count }, (_, n) => `a${n}="1"`).join(' ')
  const namespaces = (depth: number, each: number) =>
    `<n:getUser>${`<a ${attributes(each).replaceAll('a', 'xmlns:a')}>`.repeat(depth)}${'</a>'.repeat(depth)}</n:getUser>`
  const bodies: [string, RegExp][] = [
    [`<n:getUser>${'<a>'.repeat(50_000)}${'</a>'.repeat(50_000)}</n:getUser>`, /nested deeper than 64/],
    [`<n:getUser>${'<a/>'.repeat(60_000)}</n:getUser>`, /more than 50000 elements/],
    [`<n:getUser ${attributes(20_000)}/>`, /more than 32 attributes/],
    [`<n:getUser ${attributes(3000).replaceAll('a', 'xmlns:a')}/>`, /more than 32 attributes/],
    [namespaces(20, 30), /more than 256 namespaces are declared/],
    [`<n:getUser a="${'a'.repeat(500_000)}"/>`, /longer than 4096/],
    [`<n:getUser><n:${'a'.repeat(500_000)}/></n:getUser>`, /name is longer than 256/],
    [`<n:getUser ${'a'.repeat(500_000)}="1"/>`, /name is longer than 256/],
  ]
  for (const [body, reason] of bodies) {
    const { status, text } = await send(app, body)
    t.equal(status, 500)
    t.match(text, reason)
    t.ok(text.length < 2000, `the answer has ${text.length} characters`)
  }
})

test('input that is wrong everywhere is answered shortly, and points at no more than 50 places', async (t) => {
  const { app } = await build(t)
  const { text } = await send(app, `<n:createUser>${'<x:a xmlns:x="urn:x"/>'.repeat(20_000)}</n:createUser>`)
  t.equal(textsOf(text, 'pointer').length, 50)
})

test('numbers, unknown elements and repeated ones are read in a time that grows with the message alone', async (t) => {
  const { app } = await build(t)
  const time = async (body: string) => {
    const begin = performance.now()
    const { text } = await send(app, body)
    t.ok(textsOf(text, 'pointer').length <= 50)
    return performance.now() - begin
  }
  const kinds: ((count: number) => string)[] = [
    (count) => `<n:getUser><n:id i:type="xs:double">${'1'.repeat(count * 20)}x</n:id></n:getUser>`,
    (count) => `<n:getUser>${Array.from({ length: count }, (_, n) => `<n:a${n}/>`).join('')}</n:getUser>`,
    (count) => `<n:getUser>${'<n:id/>'.repeat(count)}</n:getUser>`,
  ]
  for (const kind of kinds) {
    await time(kind(10))
    const [short, long] = [await time(kind(5000)), await time(kind(40_000))]
    // Eight times as much; a time that grows with the square would be 64 times as long.
    t.ok(long < 30 * Math.max(short, 20), `${short.toFixed()} and ${long.toFixed()} ms: ${kind(1)}`)
  }
})

test('header blocks that nobody understands are answered shortly', async (t) => {
  const { app } = await build(t)
  const blocks = (count: number, uri: string) => `<p:a xmlns:p='${uri}' s:mustUnderstand="1"/>`.repeat(count)
  for (const [count, uri] of [
    [64, 'urn:p'],
    [64, 'u'.repeat(4000)],
    [64, '"'.repeat(4000)],
  ] as const) {
    const { text } = await send(app, getUser, { version: '1.2', blocks: blocks(count, uri) })
    t.match(text, /<soap:Value>soap:MustUnderstand</)
    t.ok(text.length < 3000, `the answer has ${text.length} characters`)
  }
  const { text } = await send(app, getUser, { blocks: blocks(65, 'urn:p') })
  t.match(text, /at most 64 header blocks/)
})

test('a compressed message is refused as such', async (t) => {
  const { app } = await build(t)
  const { text } = await sendRaw(app, gzipSync(envelope(getUser)), { headers: { 'content-encoding': 'gzip' } })
  t.match(textOf(text, 'code'), 'unsupported-media-type')
  t.match(text, /without Content-Encoding/)
})

test('the time of a message grows with its length alone', (t) => {
  const time = (message: string) => {
    const begin = performance.now()
    try {
      new XmlReader().read(message)
    } catch {
      // What is refused must be refused soon, too.
    }
    return performance.now() - begin
  }
  const declared = (count: number) => Array.from({ length: count }, (_, n) => `xmlns:a${n}="u"`).join(' ')
  const kinds: ((size: number) => string)[] = [
    (size) => `<a>${'x'.repeat(size)}</a>`,
    (size) => `<a>${'&amp;'.repeat(size / 5)}</a>`,
    (size) => `<a>${'<![CDATA[x]]>'.repeat(size / 13)}</a>`,
    (size) => `<a>${'<!---->'.repeat(size / 7)}</a>`,
    (size) => `<a>${'<b/>'.repeat(Math.min(size / 4, 40_000))}</a>`,
    (size) => `<a b="${'x'.repeat(size)}"/>`,
    (size) => `<a>${'\r'.repeat(size)}</a>`,
    (size) => `<!DOCTYPE a [${'<!ENTITY b "c">'.repeat(size / 15)}]><a/>`,
    (size) => `<!--${'-'.repeat(size)}`,
    (size) => `<a ${declared(30)}><b ${declared(30)}>${`<a1:c a2:d=""/>`.repeat(Math.min(size / 15, 40_000))}</b></a>`,
    (size) => `<a>${`<b ${declared(30)}/>`.repeat(size / 400)}</a>`,
    (size) => `<${'a'.repeat(size)}`,
    (size) => `<?xml version="1.0"${' '.repeat(size)}x`,
    (size) => `<a>&#${'0'.repeat(size)}</a>`,
    (size) => `<a>${'&#x'.repeat(size / 3)}</a>`,
    (size) => `<a>${' '.repeat(size)}x</a>`,
    (size) => `<a b${' '.repeat(size)}c="1"/>`,
  ]
  for (const kind of kinds) {
    const least = Math.min(...[1, 2].map(() => time(kind(1_000_000))))
    t.ok(least < 1000, `${kind(60).slice(0, 30)}: ${least.toFixed(0)} ms a megabyte`)
  }
  t.end()
})

test('wrong places are found in a time that grows with their number alone', async (t) => {
  const { app } = await build(t)
  const begin = performance.now()
  const { text } = await send(app, `<n:createUser>${'<n:name><n:a/></n:name>'.repeat(20_000)}</n:createUser>`)
  t.match(text, /the first 50 places are listed/)
  t.ok(performance.now() - begin < 3000)
})

test('an envelope has one Body with one element, after at most one Header, and nothing else', async (t) => {
  const { app } = await build(t)
  const other = '<n:deleteUser><n:id>1</n:id></n:deleteUser>'
  const whole = envelope(getUser)
  const within = (content: string) => whole.replace(/<s:Body>.*<\/s:Body>/, content)
  const body = `<s:Body>${getUser}</s:Body>`
  const messages = [
    within(`${body}<s:Body>${other}</s:Body>`),
    within(`<s:Body>${getUser}${other}</s:Body>`),
    within(`<s:Header/><s:Header/>${body}`),
    within(`${body}<s:Header/>`),
    within(`<n:Wrapper><s:Body>${other}</s:Body></n:Wrapper>${body}`),
    within(`<Body>${other}</Body>`),
    within(`text${body}`),
    within('<s:Body/>'),
    within(''),
    within(`<s:Body>text${getUser}</s:Body>`),
    `<s:Body xmlns:s="http://schemas.xmlsoap.org/soap/envelope/">${other}</s:Body>`,
  ]
  for (const message of messages) {
    const { text } = await sendRaw(app, message)
    t.equal(textOf(text, 'code'), 'malformed-request', message)
  }
  t.equal((await send(app, getUser)).status, 200, 'nobody was deleted')
})

test('header blocks that count may stand once, and hold what HTTP takes in a header', async (t) => {
  const { app } = await build(t)
  const blocks = [
    '<n:IdempotencyKey>a</n:IdempotencyKey><n:IdempotencyKey>b</n:IdempotencyKey>',
    '<n:IdempotencyKey>a\nx-api-key: b</n:IdempotencyKey>',
    '<n:IdempotencyKey>\u{1f680}</n:IdempotencyKey>',
    '<n:IdempotencyKey><n:a/></n:IdempotencyKey>',
    `<n:Traceparent>${'a'.repeat(5000)}</n:Traceparent>`,
  ]
  for (const each of blocks)
    t.equal(textOf((await send(app, getUser, { blocks: each })).text, 'code'), 'malformed-request')
})

test('a refused message answers no more than it must: no path, no stack', async (t) => {
  const { app } = await build(t)
  for (const message of ['<a', envelope('<n:constructor/>'), envelope('<n:getUser><n:__proto__/></n:getUser>')]) {
    const { text } = await sendRaw(app, message)
    t.notMatch(text, /\.[jt]s\b|node_modules|\bat \w+/)
  }
})

test('a body that stops arriving is given up, and others are answered meanwhile', async (t) => {
  const { base } = await listen(t, { REQUEST_TIMEOUT: '1000' })
  const { port, hostname } = new URL(base)
  const sockets = Array.from({ length: 20 }, () => connect(Number(port), hostname))
  const closed = sockets.map(
    (socket) =>
      new Promise<string>((resolve) => {
        let text = ''
        socket.on('data', (data) => {
          text += String(data)
        })
        socket.on('close', () => resolve(text))
        socket.on('error', () => {})
        socket.write(
          `POST /soap HTTP/1.1\r\nhost: localhost\r\ncontent-type: text/xml\r\ncontent-length: 1000\r\n\r\n<s:Envelope`,
        )
      }),
  )
  const headers = { 'content-type': 'text/xml' }
  const answer = await fetch(`${base}/soap`, { method: 'POST', headers, body: envelope(getUser) })
  t.equal(answer.status, 200)
  for (const text of await Promise.all(closed)) t.match(text, /^HTTP\/1.1 408 /)
})

test('refused messages leave no memory behind', async (t) => {
  const { app } = await build(t, { ACCESS_LOG: 'off', LOG_LEVEL: 'silent' })
  const much = 'a'.repeat(200_000)
  const hostile = [
    `<!DOCTYPE x [<!ENTITY a "${much}">]>${envelope(getUser)}`,
    envelope(`<n:getUser>${much}<a`),
    envelope(`<n:unknown>${much}</n:unknown>`),
    envelope(`<n:getUser><n:id>${much}</n:id></n:getUser>`),
  ]
  const round = async (count: number) => {
    for (let index = 0; index < count; index += 1) await sendRaw(app, hostile[index % hostile.length] as string)
    return rss()
  }
  // At first the heap grows to the size that such messages need.
  await round(500)
  const before = await round(500)
  const after = await round(500)
  t.ok(after - before < 80, `500 messages of 200 kB: grew by ${(after - before).toFixed(0)} MB`)
})

function rss(): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]) / 1024
}
