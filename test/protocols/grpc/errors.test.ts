import { join } from 'node:path'
import { type Test, test } from 'tap'
import { Problem } from '../../../src/errors.ts'
import { detailsText, messageText, statusOf } from '../../../src/protocols/grpc/errors.ts'
import { framed, openSession } from './session.ts'

const routes = [join(import.meta.dirname, '../../conformance/routes')]
const open = (t: Test) => openSession(t, {}, routes)

test('the text of a status is percent-encoded', async (t) => {
  const { call, app } = await open(t)
  const codes = app.grpc.file.enums.find(({ name }) => name === 'Code')?.values ?? []
  const conflict = codes.find(({ value }) => value === 'conflict')?.number ?? 0
  const answer = await call('/septet.v1.ShapesService/FailWith', framed(Buffer.from([8, conflict])))
  t.match(answer, { status: '6', message: 'Met conflict, “so”', told: { 'retry-after': '7' } })
  const text = (detail: string) => messageText(statusOf(new Problem('conflict', detail)))
  for (const detail of ['100 %', 'a\nb\0', '– €', '👩🏽‍🚀', ' both ends ']) {
    t.match(text(detail), /^[!-~]*$/, 'printable ASCII, and no space that HTTP/2 would strip')
    t.equal(decodeURIComponent(text(detail)), detail)
  }
  t.equal(text('half \ud800'), text('half \ufffd'))
})

test('details fit into the metadata that clients take, however much is wrong', (t) => {
  const errors = Array.from({ length: 50 }, (_, index) => ({
    in: 'body' as const,
    pointer: `/${'n'.repeat(500)}${index}`,
    detail: 'must NOT have additional properties',
  }))
  const status = (count: number) => statusOf(new Problem('validation-failed', 'No', { errors: errors.slice(0, count) }))
  t.match(Buffer.from(status(2).rich).toString(), /n0.*n1/s)
  const header = detailsText(status(50))
  t.ok(header.length < 7000, `${header.length} characters`)
  t.match(Buffer.from(header, 'base64').toString(), /ErrorInfo.*BadRequest.*n0.*n5/s)
  t.end()
})
