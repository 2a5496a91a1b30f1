import { test } from 'tap'
import { listen } from './helper.ts'

test("the article's API answers byte for byte", async (t) => {
  const { base } = await listen(t)
  const list = await fetch(`${base}/users`)
  t.equal(
    await list.text(),
    '[{"id":1,"name":"Mohamed","email":"mohamed@example.com"},{"id":2,"name":"Ali","email":"ali@example.com"}]',
  )
  const one = await fetch(`${base}/user?id=1`)
  t.equal(await one.text(), '{"id":1,"name":"Mohamed","email":"mohamed@example.com"}')
  const none = await fetch(`${base}/user?id=99`)
  t.equal(none.status, 404)
  t.equal(none.headers.get('content-type'), 'application/problem+json')
  t.match(await none.json(), { detail: 'User not found', code: 'not-found' })
})
