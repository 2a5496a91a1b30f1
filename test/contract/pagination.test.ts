import { test } from 'tap'
import { nextLink, prefersCount } from '../../src/contract/pagination.ts'

test('the next link keeps the query, whatever is in it, and names no host', (t) => {
  const cases: [string, string][] = [
    ['/users', '/users?cursor=C'],
    ['/users?limit=1', '/users?limit=1&cursor=C'],
    ['/users?cursor=B&limit=1', '/users?limit=1&cursor=C'],
    ['/users?name=a?b&limit=1', '/users?name=a?b&limit=1&cursor=C'],
    ['http://evil.example/users?limit=1', '/users?limit=1&cursor=C'],
    ['/users?name=a>b', '/users?name=a%3Eb&cursor=C'],
  ]
  for (const [url, target] of cases) t.equal(nextLink(url, 'C'), `<${target}>; rel="next"`)
  t.end()
})

test('only the preference itself asks for a total', (t) => {
  for (const header of ['count=exact', 'Count="exact"', 'return=minimal, count=exact', 'respond-async; count=exact']) {
    t.ok(prefersCount(header), header)
  }
  for (const header of ['x="a,count=exact"', 'count=estimated', 'discount=exact']) t.notOk(prefersCount(header), header)
  t.end()
})
