import { test } from 'tap'
import { readCsv, writeCsv } from '../../../src/integrations/salesforce/csv.ts'

const rows = [
  ['1', 'plain', 'a;b|c\td^e`f'],
  ['2', 'with, comma', 'and "quotes"'],
  ['3', 'two\nlines', ''],
  ['', ' spaced ', '#N/A'],
]
const header = ['id', 'one', 'two']

test('what is written is read again', (t) => {
  const text = writeCsv(header, rows)
  t.same(
    readCsv(text),
    rows.map(([id, one, two]) => ({ id, one, two })),
  )
  t.end()
})

test('it is read as Salesforce writes it, and with other ends of lines', (t) => {
  const expected = [{ sf__Id: '', sf__Error: 'REQUIRED_FIELD_MISSING:Required: [LastName]:LastName --', Email: 'a' }]
  const line = '"sf__Id","sf__Error",Email\n"","REQUIRED_FIELD_MISSING:Required: [LastName]:LastName --","a"\n'
  t.same(readCsv(line), expected)
  t.same(readCsv(line.replaceAll('\n', '\r\n')), expected)
  t.same(readCsv(line.trimEnd()), expected, 'no end of the last line')
  t.same(readCsv('"sf__Id","sf__Error"\n'), [])
  t.same(readCsv(''), [])
  t.same(readCsv('a,b\n1,'), [{ a: '1', b: '' }], 'an empty cell at the end')
  t.end()
})
