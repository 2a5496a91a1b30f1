import { test } from 'tap'
import { build } from '../helper.ts'

/** Directive → its sources. */
function directives(policy: unknown): Map<string, string[]> {
  const parts = String(policy)
    .split(';')
    .map((part) => part.trim().split(/\s+/))
  return new Map(parts.map(([name = '', ...sources]) => [name, sources]))
}

for (const page of ['/docs', '/docs/']) {
  test(`${page} answers with Swagger UI, and its policy lets every asset load`, async (t) => {
    const { app } = await build(t)
    const { statusCode, headers, body } = await app.inject(page)
    t.equal(statusCode, 200)
    t.match(headers['content-type'], /^text\/html/)
    t.match(body, '<title>Septet API</title>')
    t.notMatch(body, /<script(?![^>]*\ssrc=)/, 'no inline script')
    t.notMatch(body, /<style|\sstyle=|\son\w+=/, 'no inline style or handler')

    const policy = directives(headers['content-security-policy'])
    for (const directive of ['default-src', 'script-src', 'style-src', 'img-src']) {
      t.ok(policy.get(directive)?.includes("'self'"), directive)
    }
    t.notOk(policy.has('connect-src'), 'the document is fetched by default-src')

    const assets = [...body.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, url = '']) => url)
    t.ok(assets.length >= 6)
    for (const url of assets) {
      const { origin, pathname } = new URL(url, 'http://localhost/docs/')
      t.equal(origin, 'http://localhost', `${url} is served here`)
      const asset = await app.inject(pathname)
      t.equal(asset.statusCode, 200, url)
      t.match(asset.headers['content-type'], /^(text\/css|application\/javascript|image\/png)/, url)
    }
  })
}

test('Swagger UI reads the live document and asks no other host', async (t) => {
  const { app } = await build(t)
  const { body } = await app.inject('/docs/static/swagger-initializer.js')
  t.match(body, "url: resolveUrl('./json')")
  t.match(body, 'validatorUrl: null')
})

test('its assets load over plain HTTP from another host too', async (t) => {
  const { app } = await build(t)
  const { headers } = await app.inject('/docs')
  const policy = directives(headers['content-security-policy'])
  t.notOk(policy.has('upgrade-insecure-requests'), 'no upgrade to HTTPS')
})
