import { type Test, test } from 'tap'
import { startForgedIssuer } from '../browser/forged-issuer.ts'
import { arrive, comeBack, type Site, startSite } from '../browser/login-setup.ts'
import { locationOf, type Visit, Visitor } from '../browser/visitor.ts'

const notTrusted = { status: 403, code: 'forbidden', detail: /gave no answer that can be trusted/ }

async function start(t: Test) {
  const issuer = await startForgedIssuer(t)
  return { issuer, site: await startSite(t, issuer.settings) }
}

const problemOf = ({ body }: Visit) => JSON.parse(body)

/** Finishes a login in whatever way the issuer has been told to. */
async function attempt(site: Site, visitor = new Visitor()): Promise<Visit> {
  return arrive(visitor, await comeBack(site, visitor, ''))
}

test('an `iss` that is missing where it is announced, or is of another issuer, is refused (RFC 9207)', async (t) => {
  const { issuer, site } = await start(t)
  for (const iss of ['', 'https://accounts.google.com', `${issuer.url}/`]) {
    issuer.parameters = { iss }
    t.match(problemOf(await attempt(site)), notTrusted, iss)
  }
  t.equal(issuer.redeemed.length, 0)
})

test('an ID token that is not for this very login is refused', async (t) => {
  const { issuer, site } = await start(t)
  const now = Math.floor(Date.now() / 1000)
  const lies: [string, Record<string, unknown>][] = [
    ['of another login', { nonce: 'x'.repeat(43) }],
    ['without a nonce', { nonce: undefined }],
    ['for another audience', { aud: 'another' }],
    ['for others too, without azp', { aud: ['septet', 'another'] }],
    ['for others too, by another party', { aud: ['septet', 'another'], azp: 'another' }],
    ['of another issuer', { iss: 'https://accounts.google.com' }],
    ['of an issuer that looks alike', { iss: `${issuer.url}/` }],
    ['that has expired', { iat: now - 3600, exp: now - 60 }],
    ['without an end', { exp: undefined }],
    ['for later', { nbf: now + 600 }],
    ['for nobody', { sub: undefined }],
    ['for somebody without a name', { sub: '' }],
    ['for somebody with a name beyond ASCII', { sub: 'mallory\u0000' }],
    ['for somebody with a name that is too long', { sub: 'm'.repeat(256) }],
  ]
  for (const [what, claims] of lies) {
    issuer.claims = claims
    t.match(problemOf(await attempt(site)), notTrusted, what)
  }
  issuer.claims = {}
  issuer.foreignKey = true
  t.match(problemOf(await attempt(site)), notTrusted, 'signed by somebody else')
  t.same(await site.rows('select id from identities'), [])
  t.match((await site.audited()).at(-1), 'sign-in.failed oidc: answer not trusted')
})

test('an ID token is not taken unsigned, or signed with the secret of the client', async (t) => {
  const { issuer, site } = await start(t)
  const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url')
  let nonce = ''
  for (const alg of ['none', 'HS256']) {
    issuer.metadata = { id_token_signing_alg_values_supported: ['RS256', alg] }
    issuer.instead = (path, response) => {
      if (path !== '/token') return false
      const now = Math.floor(Date.now() / 1000)
      const claims = { iss: issuer.url, aud: 'septet', sub: 'mallory', iat: now, exp: now + 60, nonce }
      const id_token = `${encode({ alg })}.${encode(claims)}.${alg === 'none' ? '' : 'c2lnbmF0dXJl'}`
      response.writeHead(200, { 'content-type': 'application/json' })
      response.end(JSON.stringify({ access_token: 'token', token_type: 'Bearer', id_token }))
      return true
    }
    const visitor = new Visitor()
    const begun = await visitor.ask(`${site.base}/auth/login/oidc`)
    nonce = locationOf(begun)?.searchParams.get('nonce') ?? ''
    const back = await visitor.follow(begun, ({ pathname }) => pathname.startsWith('/auth/callback'))
    t.match(problemOf(await arrive(visitor, back)), notTrusted, alg)
  }
})
