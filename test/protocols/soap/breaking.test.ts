import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TObject, Type } from '@sinclair/typebox'
import { test } from 'tap'
import type { Operation } from '../../../src/contract/operation.ts'
import { breakingInWsdl } from '../../../src/protocols/soap/breaking.ts'
import { describe } from '../../../src/protocols/soap/describe.ts'
import { messagesOf } from '../../../src/protocols/soap/messages.ts'
import { build, everyConnector } from '../../helper.ts'

const closed = { additionalProperties: false }
const cat = Type.Object({ kind: Type.Literal('cat') }, { $id: 'Cat', ...closed })
const dog = Type.Object({ kind: Type.Literal('dog') }, { $id: 'Dog', ...closed })
const small = Type.Integer({ minimum: 0, maximum: 9 })
const state = (...values: string[]) => Type.Union(values.map((value) => Type.Literal(value)))

/** The WSDL of one operation. */
function wsdlOf(body: TObject['properties'], result: TObject['properties'], more: Partial<Operation> = {}): string {
  const operation = {
    operationId: 'getThing',
    method: 'POST',
    url: '/things',
    tag: 'things',
    summary: 'Get',
    description: 'A thing.',
    body: Type.Object(body, closed),
    access: undefined,
    success: { status: 200, schema: Type.Object(result, { $id: 'Thing', ...closed }), headers: {} },
    problems: ['not-found'],
    ...more,
  } as unknown as Operation
  return describe(messagesOf(new Map([['getThing', operation]])), new Map())('http://localhost/soap')
}

const sent = (before: TObject['properties'], after: TObject['properties']) =>
  breakingInWsdl(wsdlOf(before, {}), wsdlOf(after, {}))
const received = (before: TObject['properties'], after: TObject['properties']) =>
  breakingInWsdl(wsdlOf({}, before), wsdlOf({}, after))

test('nothing that the committed WSDL promises is broken', async (t) => {
  const { app } = await build(t, await everyConnector())
  const committed = readFileSync(join(import.meta.dirname, '../../../contracts/service.wsdl'), 'utf8')
  t.same(breakingInWsdl(committed, app.soap.wsdl('https://example.com/soap')), [], 'service.wsdl: breaking changes')
})

test('what a change of elements breaks depends on who sends them', (t) => {
  const text = Type.String()
  const maybe = Type.Optional(text)
  const cases: [string, TObject['properties'], TObject['properties'], string[], string[]][] = [
    ['an optional one is added behind', { a: text }, { a: text, b: maybe }, [], []],
    ['a required one is added behind', { a: text }, { a: text, b: text }, ['.b is required now'], []],
    ['one is gone', { a: text, b: text }, { a: text }, ['.b is gone'], ['.b is gone']],
    ['one becomes optional', { a: text }, { a: maybe }, [], ['.a may be missing now']],
    ['one becomes required', { a: maybe }, { a: text }, ['.a is required now'], []],
    [
      'a type is another',
      { a: text },
      { a: Type.Boolean() },
      ['.a was xs:string, and is xs:boolean now'],
      ['.a was xs:string, and is xs:boolean now'],
    ],
    ['a whole number is wider', { a: small }, { a: Type.Integer() }, [], ['.a was xs:int, and is xs:long now']],
    [
      'a whole number is narrower',
      { a: Type.Integer() },
      { a: small },
      ['.a has minimum -2147483648 now', '.a has maximum 2147483647 now'],
      ['.a was xs:long, and is xs:int now'],
    ],
    [
      'a value is added to a closed list',
      { a: state('x', 'y') },
      { a: state('x', 'y', 'z') },
      [],
      ['.a may be "z" now'],
    ],
    [
      'a value of a closed list is gone',
      { a: state('x', 'y', 'z') },
      { a: state('x', 'y') },
      ['.a no longer takes "z"'],
      [],
    ],
    ['null is admitted', { a: text }, { a: Type.Union([text, Type.Null()]) }, [], ['.a may be null now']],
    [
      'a member of a union is gone',
      { a: Type.Union([cat, dog]) },
      { a: Type.Union([cat, Type.Object({ kind: Type.Literal('cow') }, { $id: 'Cow', ...closed })]) },
      ['.a is no longer taken as Dog'],
      ['.a may be Cow now'],
    ],
    [
      'a list is none',
      { a: Type.Array(text) },
      { a: text },
      ['.a is required now', '.a was array, and is xs:string now'],
      ['.a was array, and is xs:string now'],
    ],
  ]
  for (const [name, before, after, whenSent, whenReceived] of cases) {
    t.same(
      sent(before, after),
      whenSent.map((words) => `getThing: request${words}`),
      `${name}: sent`,
    )
    t.same(
      received(before, after),
      whenReceived.map((words) => `getThing: response.result${words}`),
      `${name}: received`,
    )
  }
  t.end()
})

test('elements keep their order, and new ones stand behind', (t) => {
  const [a, b, c] = [Type.String(), Type.String(), Type.Optional(Type.String())]
  t.same(sent({ a, b }, { b, a }), ['getThing: its elements were a, b, and are b, a now'])
  t.same(received({ a, b }, { a, c, b }), ['Thing: its elements were a, b, and are a, c, b now'])
  t.same(received({ a, b }, { a, b, c }), [])
  t.end()
})

test('operations, faults, actions, bindings and the namespace stay', (t) => {
  const old = wsdlOf({}, {})
  const cases: [string, string, string[]][] = [
    [old, old.replaceAll('location="http://localhost/soap"', 'location="http://other/"'), []],
    [old, wsdlOf({}, {}, { operationId: 'readThing' }), ['getThing: it is gone']],
    [
      old,
      wsdlOf({}, {}, { problems: [] }),
      ['getThing: it has no NotFoundFault any more', 'NotFoundFault: it is gone'],
    ],
    [
      old,
      old.replace('<soap:operation soapAction="urn:septet:v1:getThing"', '<soap:operation soapAction="getThing"'),
      [
        'the binding SeptetSoap11 is no longer getThing {http://schemas.xmlsoap.org/wsdl/soap/}operation soapAction=urn:septet:v1:getThing style=document',
      ],
    ],
    [
      old,
      old.replace(/ *<wsdl:binding name="SeptetSoap12"[\s\S]*?<\/wsdl:binding>\n/, ''),
      ['the binding SeptetSoap12 is gone'],
    ],
    [
      old,
      old.replaceAll('urn:septet:v1', 'urn:septet:v2'),
      ['the namespace was urn:septet:v1, and is urn:septet:v2 now'],
    ],
    [old, old.replace(/ *<xs:element name="IfMatch".*\n/, ''), ['IfMatch: it is gone']],
  ]
  for (const [before, after, words] of cases) {
    if (words.length > 0) t.not(after, before)
    t.same(breakingInWsdl(before, after), words)
  }
  t.end()
})

test('facets of simple types are compared where they are sent', (t) => {
  const base = wsdlOf({ a: state('x', 'y') }, {})
  const faceted = (facets: string) =>
    base.replace(/<xs:enumeration value="x"\/>\s*<xs:enumeration value="y"\/>/, facets)
  const long = faceted('<xs:maxLength value="9"/>')
  t.not(long, base)
  t.same(breakingInWsdl(long, faceted('<xs:maxLength value="5"/>')), ['getThing: request.a has maxLength 5 now'])
  t.same(breakingInWsdl(long, faceted('<xs:maxLength value="10"/>')), [])
  t.same(breakingInWsdl(long, faceted('<xs:maxLength value="9"/><xs:pattern value="\\d+"/>')), [
    'getThing: request.a had pattern none, and has \\d+ now',
  ])
  t.end()
})
