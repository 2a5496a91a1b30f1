import { test } from 'tap'
import { isSame, Mapping } from '../../../src/integrations/salesforce/mapping.ts'
import { merge } from '../../../src/integrations/salesforce/merge.ts'

const { fields } = Mapping.of('name:LastName updatedAt:Since__c', 'Septet_User_Id__c')
const rules = { winner: 'server', settable: new Set(['name']) } as const
const none = { toContact: {}, toUser: {}, conflicts: [] }

/** [user, contact, agreed] of the name → what is to be done. */
const cases: [string, [unknown, unknown, unknown], object][] = [
  ['nobody has changed it', ['A', 'A', 'A'], { ...none, agreed: { LastName: 'A' } }],
  ['Salesforce writes it otherwise', ['A', 'a ', 'A'], { toUser: { name: 'a ' } }],
  ['it is trimmed there', [' A', 'A', ' A'], { ...none, agreed: { LastName: ' A' } }],
  ['the user has changed', ['B', 'A', 'A'], { ...none, toContact: { LastName: 'B' }, agreed: { LastName: 'B' } }],
  ['the contact has changed', ['A', 'B', 'A'], { ...none, toUser: { name: 'B' }, agreed: { LastName: 'B' } }],
  ['both have, to the same', ['B', 'B', 'A'], { ...none, agreed: { LastName: 'B' } }],
  ['both have', ['B', 'C', 'A'], { toContact: { LastName: 'B' }, toUser: {}, conflicts: ['LastName'] }],
  ['it is emptied there', ['A', null, 'A'], { ...none, toUser: { name: null }, agreed: { LastName: null } }],
  ['they meet, and the contact has none', ['A', null, undefined], { ...none, toContact: { LastName: 'A' } }],
  [
    'they meet, and the user has none',
    [null, 'B', undefined],
    { ...none, toUser: { name: 'B' }, agreed: { LastName: 'B' } },
  ],
  ['they meet, and neither has any', [null, null, undefined], none],
  ['they meet, and differ', ['A', 'B', undefined], { toContact: { LastName: 'A' }, conflicts: ['LastName'] }],
]

for (const [what, [user, contact, agreed], expected] of cases) {
  test(`${what}: ${JSON.stringify(expected)}`, (t) => {
    const time = { Since__c: '2026-01-01T00:00:00.123Z' }
    const sides = {
      user: { LastName: user, ...time },
      contact: { values: { LastName: contact, Since__c: '2026-01-01T00:00:00.000+0000' }, isOurs: false },
      link: { agreed: { ...(agreed !== undefined && { LastName: agreed }), ...time }, sent: {} },
    }
    const merged = merge(fields, sides, rules)
    t.match(merged, expected)
    if ('toUser' in expected) t.same(merged.toUser, expected.toUser)
    if ('toContact' in expected) t.same(merged.toContact, expected.toContact)
    t.end()
  })
}

test('what cannot be set of a user goes one way', (t) => {
  const sides = {
    user: { LastName: 'A', Since__c: '2026-01-01T00:00:00.000Z' },
    contact: { values: { LastName: 'A', Since__c: '2020-01-01T00:00:00.000+0000' }, isOurs: false },
    link: { agreed: { LastName: 'A', Since__c: '2026-01-01T00:00:00.000Z' }, sent: {} },
  }
  t.match(merge(fields, sides, rules), { toUser: {}, conflicts: [] })
  const later = { ...sides, user: { ...sides.user, Since__c: '2026-01-02T00:00:00.000Z' } }
  t.match(merge(fields, later, rules), { toContact: { Since__c: '2026-01-02T00:00:00.000Z' }, conflicts: [] })
  t.end()
})

test('a field that was never agreed on, and goes one way, is not emptied', (t) => {
  const sides = {
    user: { LastName: 'A', Since__c: null },
    contact: { values: { LastName: 'A', Since__c: '2020-01-01' }, isOurs: false },
    link: { agreed: { LastName: 'A' }, sent: {} },
  }
  t.match(merge(fields, sides, rules), none)
  t.end()
})

test('values are the same as Salesforce keeps them', (t) => {
  for (const [one, other] of [
    ['Ü@Example.com', 'ü@example.com'],
    [7, '7'],
    [true, 'true'],
    ['', null],
    [' x ', 'x'],
    ['2026-01-01T00:00:00.999Z', '2026-01-01T00:00:00.000+0000'],
  ])
    t.ok(isSame(one, other), `${one} ${other}`)
  for (const [one, other] of [
    ['A', 'a'],
    [0, null],
    [false, null],
    ['2026-01-01T00:00:01Z', '2026-01-01T00:00:00Z'],
  ])
    t.notOk(isSame(one, other), `${one} ${other}`)
  t.end()
})
