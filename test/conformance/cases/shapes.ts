/** Every shape that wires carry, by operations that give back what they get. */

import { type Case, failed, invalid, one, type Step, violating } from './case.ts'

const largest = Number.MAX_SAFE_INTEGER
const shapes = {
  text: 'text',
  maybe: 'here',
  small: 7,
  int: 1,
  large: largest,
  real: 0.1,
  flag: true,
  moment: '2026-11-25T12:00:00Z',
  state: 'open',
  list: ['a', 'b'],
  nested: { label: 'n', deeper: { on: false } },
  many: [{ label: '1' }, { label: '2', deeper: { on: true } }],
  record: { one: 1, two: 2 },
  pet: { kind: 'cat', lives: 9 },
  anything: { any: ['thing', 1, null] },
}
const said = { ...shapes, given: [] as string[] }

/** The shapes but for these come back as they went, with more beside them. */
function echoed(name: string, others: object, more: object = {}, differs?: Step['differs']): Case {
  return one(
    name,
    'echoShapes',
    { ...shapes, ...others },
    { value: { ...said, ...others, ...more } },
    undefined,
    differs,
  )
}

function refused(name: string, others: object, pointer: string, detail: string, differs?: Step['differs']): Case {
  const violations = violating(['body', pointer, detail])
  return one(name, 'echoShapes', { ...shapes, ...others }, violations, undefined, differs)
}

function without(name: keyof typeof shapes) {
  const { [name]: _, ...others } = shapes
  return others
}

export const shapeCases: readonly Case[] = [
  one('each shape, and nothing that is not declared', 'echoShapes', shapes, { value: said }),
  one(
    'a page, and nothing that is not declared',
    'listNotes',
    { limit: 2 },
    { value: { items: [{ label: '1' }, { label: '2', deeper: { on: true } }], nextCursor: 'more' } },
  ),
  one('a value that is no object', 'countNotes', {}, { value: 2 }),

  echoed('null where it may be', { maybe: null }),
  echoed('an optional property', { optional: 'o' }, { given: ['optional'] }),
  echoed('an optional property that is empty', { optional: '' }, { given: ['optional'] }),
  echoed('an optional property that may be null', { spare: 's' }, { given: ['spare'] }),
  echoed('an optional property that is null', { spare: null }, { given: ['spare'] }),
  refused('null where it may not be', { optional: null }, '/optional', 'must be string'),
  refused('null in a list', { list: ['a', null] }, '/list/1', 'must be string'),
  refused('null in an object', { nested: { label: null } }, '/nested/label', 'must be string'),
  one(
    'a property that may be null, and is missing',
    'echoShapes',
    without('maybe'),
    violating(['body', '/maybe', "must have required property 'maybe'"]),
  ),
  one(
    'an object that is missing',
    'echoShapes',
    without('nested'),
    violating(['body', '/nested', "must have required property 'nested'"]),
  ),

  echoed('empty texts', { text: '', maybe: '', nested: { label: '' } }),
  echoed('empty lists', { list: [], many: [] }),
  echoed('an empty record', { record: {} }),
  echoed('an empty object', { anything: {} }),
  echoed('a list of empty texts', { list: ['', ''] }),
  echoed('no flag', { flag: false, nested: { label: 'n', deeper: { on: false } } }),
  echoed('nothing of an optional object', { nested: { label: 'n' } }),
  echoed('the other member of a union', { pet: { kind: 'dog', name: 'Rex' } }),
  echoed(
    'anything: null',
    { anything: null },
    {},
    {
      GraphQL: { reason: 'what must be there must not be null', expect: failed('validation-failed', 400) },
    },
  ),
  ...[0, '', false, 'text', [], [1, 'two', null, { three: [3] }], 1e300].map((anything) =>
    echoed(`anything: ${JSON.stringify(anything)}`, { anything }),
  ),

  ...[0, 1, -1, 2 ** 31 - 1, -(2 ** 31)].map((int) => echoed(`the whole number ${int}`, { int })),
  ...[0, 2 ** 31 - 1, 2 ** 31, -(2 ** 31) - 1, 2 ** 32, 2 ** 53 - 2, largest, -largest].map((large) =>
    echoed(`the large number ${large}`, { large }),
  ),
  ...[0, -0.5, 1e21, 5e-324, 1.7976931348623157e308, -1e-7, 0.30000000000000004].map((real) =>
    echoed(`the number ${real}`, { real }),
  ),
  refused('a whole number beyond 32 bits', { int: 2 ** 31 }, '/int', 'must be <= 2147483647'),
  refused('a whole number below 32 bits', { int: -(2 ** 31) - 1 }, '/int', 'must be >= -2147483648'),
  ...Object.entries({
    'beyond 53 bits': [2 ** 53, 'must be <= 9007199254740991'],
    'below 53 bits': [-(2 ** 53), 'must be >= -9007199254740991'],
    'of 64 bits': [2 ** 63 - 1024, 'must be <= 9007199254740991'],
    'beyond 64 bits': [2 ** 64, 'must be <= 9007199254740991'],
  } as const).map(([name, [large, detail]]) => refused(`a whole number ${name}`, { large }, '/large', detail)),
  refused('a number out of bounds', { small: 11 }, '/small', 'must be <= 10'),
  refused('a number that is not whole', { small: 1.5 }, '/small', 'must be integer'),
  refused('a number as text', { real: '0.1' }, '/real', 'must be number'),
  refused('a flag as number', { flag: 1 }, '/flag', 'must be boolean'),
  refused('a flag as text', { flag: 'true' }, '/flag', 'must be boolean'),

  ...[
    '2026-11-25T12:00:00.123Z',
    '2026-11-25T12:00:00.123456789Z',
    '2026-11-25T12:00:00+05:30',
    '2026-11-25T12:00:00.5-08:00',
    '2024-02-29T23:59:59Z',
    '0001-01-01T00:00:00Z',
    '9999-12-31T23:59:59.999Z',
  ].map((moment) => echoed(`the moment ${moment}`, { moment })),
  ...['yesterday', '2026-11-25', '2026-11-25T12:00:00', '2026-02-30T12:00:00Z', '2026-11-25T25:00:00Z', ''].map(
    (moment) => refused(`a moment that is none: ${moment}`, { moment }, '/moment', 'must match format "date-time"'),
  ),
  ...Object.entries({ closed: 'closed', 'half-open': 'half_open', '-state': 'state_desc', '3': '_3' }).map(
    ([state, name]) =>
      echoed(
        `the state ${state}`,
        { state },
        {},
        {
          GraphQL: { reason: 'the values of an enum are names', expect: { value: { state: name } } },
        },
      ),
  ),
  ...['ajar', '', 'OPEN', 'half-'].map((state) =>
    refused(`a state that is none: ${state}`, { state }, '/state', 'must be equal to one of the allowed values'),
  ),

  refused('a list with a wrong item', { list: ['a', 1] }, '/list/1', 'must be string'),
  refused('one item in the place of a list', { many: { label: '1' } }, '/many', 'must be array', {
    GraphQL: { reason: 'it takes one item for a list of it', expect: { value: { many: [{ label: '1' }] } } },
    SOAP: { reason: 'an element is a list of one item', expect: { value: { many: [{ label: '1' }] } } },
  }),
  refused('a record with a wrong value', { record: { one: 'x' } }, '/record/one', 'must be integer'),
  refused('a list in the place of a record', { record: [] }, '/record', 'must be object', {
    SOAP: { reason: 'an empty element is a record without entries', expect: { value: { record: {} } } },
  }),
  refused('a text in the place of an object', { nested: 'n' }, '/nested', 'must be object'),
  refused('a property too much', { more: 1 }, '/more', 'must NOT have additional properties'),
  refused(
    'a nested property too much',
    { nested: { label: 'n', more: 1 } },
    '/nested/more',
    'must NOT have additional properties',
  ),
  refused(
    'a property too much in a list',
    { many: [{ label: '1' }, { label: '2', more: 1 }] },
    '/many/1/more',
    'must NOT have additional properties',
  ),
  refused(
    'a nested property that is missing',
    { nested: { label: 'n', deeper: {} } },
    '/nested/deeper/on',
    "must have required property 'on'",
  ),
  one(
    'a member of no union',
    'echoShapes',
    { ...shapes, pet: { kind: 'cow' } },
    {
      problem: { code: 'validation-failed', status: 400 },
    },
    undefined,
    { SOAP: { reason: 'a member is named by its element, and none has this name', expect: invalid('/pet') } },
  ),
  one(
    'a member of a union without what it needs',
    'echoShapes',
    { ...shapes, pet: { kind: 'cat' } },
    {
      problem: { code: 'validation-failed', status: 400 },
    },
  ),
]
