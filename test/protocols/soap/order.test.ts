import { Type } from '@sinclair/typebox'
import { test } from 'tap'
import type { Operation } from '../../../src/contract/operation.ts'
import { describe } from '../../../src/protocols/soap/describe.ts'
import { compileWriter } from '../../../src/protocols/soap/encode.ts'
import { messagesOf } from '../../../src/protocols/soap/messages.ts'
import { type Order, readOrder } from '../../../src/protocols/soap/order.ts'

const address = 'http://localhost/soap'

/** An operation that takes and gives these properties, in this order. */
function contractOf(...names: string[]): Map<string, Operation> {
  const properties = Object.fromEntries(names.map((name) => [name, Type.Optional(Type.String())]))
  const operation = {
    operationId: 'getThing',
    method: 'POST',
    url: '/things',
    tag: 'things',
    summary: 'Get',
    description: 'A thing.',
    body: Type.Object(properties, { additionalProperties: false }),
    access: undefined,
    success: {
      status: 200,
      schema: Type.Object(properties, { $id: 'Thing', additionalProperties: false }),
      headers: {},
    },
    problems: ['not-found'],
  } as unknown as Operation
  return new Map([['getThing', operation]])
}

function wsdlOf(order: Order, ...names: string[]): string {
  return describe(messagesOf(contractOf(...names)), order)(address)
}

test('properties that are reordered move no element', (t) => {
  const committed = wsdlOf(new Map(), 'a', 'b', 'c')
  t.equal(wsdlOf(readOrder(committed), 'c', 'a', 'b'), committed)
  t.not(wsdlOf(new Map(), 'c', 'a', 'b'), committed, 'without the committed file they would')
  t.end()
})

test('a new property comes last, and a removed one leaves the others where they are', (t) => {
  const order = readOrder(wsdlOf(new Map(), 'a', 'b', 'c'))
  t.same(readOrder(wsdlOf(order, 'new', 'c', 'b', 'a')).get('Thing'), ['a', 'b', 'c', 'new'])
  t.same(readOrder(wsdlOf(order, 'c', 'a')).get('Thing'), ['a', 'c'])
  t.same(readOrder(wsdlOf(order, 'c', 'a')).get('getThing'), ['a', 'c'])
  t.end()
})

test('answers are written in the order of the document', (t) => {
  const order = readOrder(wsdlOf(new Map(), 'a', 'b', 'c'))
  const [messages] = messagesOf(contractOf('c', 'b', 'a'))
  const write = messages && compileWriter(messages.response, order)
  t.match(write?.({ result: { b: '2', c: '3', a: '1' } }), '<result><a>1</a><b>2</b><c>3</c></result>')
  t.end()
})

test('one name for two types, or for an answer and an operation, stops the start', (t) => {
  const [operation] = contractOf('a').values()
  const other = { ...operation, operationId: 'getThingResponse' } as Operation
  const contract = new Map([...contractOf('a'), ['getThingResponse', other] as const])
  t.throws(() => messagesOf(contract), /getThingResponse: is the answer of getThing/)
  const [same] = contractOf('b').values()
  const twice = new Map([...contractOf('a'), ['other', { ...same, operationId: 'other' } as Operation] as const])
  t.throws(() => describe(messagesOf(twice), new Map()), /XML type Thing stands for two different schemas/)
  t.end()
})
