import { createHmac, generateKeyPairSync, type KeyObject, randomUUID, sign } from 'node:crypto'
import { type Test, test } from 'tap'
import { AccessTokens, issuerOf, looksLikeJwt } from '../../src/auth/access-tokens.ts'
import { Problem } from '../../src/errors.ts'
import { openSqlite } from '../../src/storage/sqlite/index.ts'
import { temporaryFolder } from '../helper.ts'
import { holdClock, issuer, minute, startProcess } from './session-setup.ts'

const owner = { userId: 1, sessionId: 'session-1', scopes: ['users:read', 'keys:read'] }
const encode = (value: unknown) =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')
const decode = (part = '') => JSON.parse(Buffer.from(part, 'base64url').toString()) as Record<string, unknown>

/** A process, a good token of it, and that token's parts. */
async function start(t: Test) {
  const process = await startProcess(t, openSqlite(temporaryFolder(t)))
  const token = await process.tokens.issue(owner)
  const [header = '', payload = '', signature = ''] = token.split('.')
  const { privateKey } = await process.keys.signer()
  /** What only the server can make: any header and claims under its own key. */
  const signOwn = async (changedHeader: object, changedClaims: object): Promise<string> => {
    const text = `${encode({ ...decode(header), ...changedHeader })}.${encode({ ...decode(payload), ...changedClaims })}`
    const bytes = await crypto.subtle.sign('Ed25519', privateKey as never, Buffer.from(text))
    return `${text}.${Buffer.from(bytes).toString('base64url')}`
  }
  return { ...process, token, header, payload, signature, signOwn }
}

const refusal = (tokens: AccessTokens, token: string): Promise<unknown> =>
  tokens.verify(token).then(
    () => 'accepted',
    (error: unknown) => error,
  )

/** Refused as RFC 6750 section 3.1 has it. */
async function refuses(t: Test, tokens: AccessTokens, token: string, detail: RegExp, name: string): Promise<void> {
  const error = await refusal(tokens, token)
  t.ok(error instanceof Problem, name)
  t.match(
    error,
    { code: 'unauthenticated', message: detail, headers: { 'www-authenticate': /error="invalid_token"/ } },
    name,
  )
}

test('a token has the header and the claims of RFC 9068', async (t) => {
  const advance = holdClock(t)
  const { tokens, keys, token, header, payload } = await start(t)
  t.same(decode(header), { alg: 'EdDSA', typ: 'at+jwt', kid: (await keys.signer()).kid })
  const now = Math.floor(Date.now() / 1000)
  const { jti, ...claims } = decode(payload)
  t.match(jti, /^[\da-f-]{36}$/)
  t.same(claims, {
    iss: issuer,
    aud: issuer,
    sub: '1',
    sid: 'session-1',
    client_id: 'septet',
    scope: 'users:read keys:read',
    iat: now,
    exp: now + 600,
  })
  advance(1000)
  t.same(await tokens.verify(token), { ...owner, expiresAt: (now + 600) * 1000 })
  t.not(await tokens.issue(owner), await tokens.issue(owner))
})

test('a token expires, with five seconds for clocks that differ', async (t) => {
  const advance = holdClock(t)
  const { tokens, token } = await start(t)
  advance(10 * minute + 4000)
  t.match(await tokens.verify(token), owner)
  advance(1000)
  await refuses(t, tokens, token, /^The access token has expired$/, 'ten minutes and five seconds')
})

test('a token outlives the turn of the key that signed it', async (t) => {
  const advance = holdClock(t)
  const { tokens, keys } = await start(t)
  const { signsUntil, kid } = await keys.signer()
  advance(signsUntil - Date.now() - 1)
  const token = await tokens.issue(owner)
  advance(9 * minute)
  await keys.maintain()
  t.not(decode((await tokens.issue(owner)).split('.')[0]).kid, kid)
  t.match(await tokens.verify(token), owner)
})

test('a token of another process over the same database is accepted', async (t) => {
  const folder = temporaryFolder(t)
  const [one, other] = [await startProcess(t, openSqlite(folder)), await startProcess(t, openSqlite(folder))]
  t.match(await other.tokens.verify(await one.tokens.issue(owner)), owner)
})

test('what is signed with another algorithm, or with none, is refused', async (t) => {
  const { tokens, keys, header, payload, signature } = await start(t)
  const { kid, publicJwk } = await keys.signer()
  const signed = (alg: string, signer: (text: string) => Buffer) => {
    const text = `${encode({ alg, typ: 'at+jwt', kid })}.${payload}`
    return `${text}.${signer(text).toString('base64url')}`
  }
  const hmac = (secret: string | Buffer) => (text: string) =>
    Buffer.concat([createHmac('sha256', secret).update(text).digest(), Buffer.alloc(32)])
  const by = (hash: string | null, key: KeyObject) => (text: string) =>
    sign(hash, Buffer.from(text), { key, dsaEncoding: 'ieee-p1363' })
  const x = 'x' in publicJwk ? publicJwk.x : ''
  const publicKey = Buffer.from(x, 'base64url')
  const spki = Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), publicKey])
  const pem = `-----BEGIN PUBLIC KEY-----\n${spki.toString('base64')}\n-----END PUBLIC KEY-----\n`
  const elliptic = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey

  for (const alg of ['none', 'None', 'NONE', 'nOnE']) {
    const unsigned = `${encode({ alg, typ: 'at+jwt', kid })}.${payload}`
    await refuses(t, tokens, `${unsigned}.`, /malformed/, `${alg} without a signature`)
    await refuses(t, tokens, `${unsigned}.${signature}`, /another algorithm/, `${alg} with a signature`)
  }
  for (const [name, secret] of Object.entries({
    publicKey,
    spki,
    pem,
    jwk: JSON.stringify(publicJwk),
    x,
    empty: '',
  })) {
    await refuses(t, tokens, signed('HS256', hmac(secret)), /another algorithm/, `HS256 with ${name} as the secret`)
  }
  await refuses(t, tokens, signed('ES256', by('sha256', elliptic)), /another algorithm/, 'ES256')
  await refuses(t, tokens, signed('RS256', by('sha256', rsa)), /malformed/, 'RS256, with its longer signature')
  await refuses(
    t,
    tokens,
    signed('RS256', () => Buffer.alloc(64)),
    /another algorithm/,
    'RS256, cut',
  )
  await refuses(
    t,
    tokens,
    signed('EdDSA', () => Buffer.alloc(64)),
    /not signed/,
    'zeros',
  )
  await refuses(
    t,
    tokens,
    signed('Ed448', () => Buffer.alloc(64)),
    /another algorithm/,
    'Ed448',
  )
  t.equal(await refusal(tokens, `${header}.${payload}.${signature}`), 'accepted', 'the token that they were made from')
})

test('what is signed with a key of somebody else is refused, wherever it says that the key is', async (t) => {
  const { tokens, keys, header, payload, signOwn } = await start(t)
  const foreign = generateKeyPairSync('ed25519')
  const jwk = foreign.publicKey.export({ format: 'jwk' })
  const signed = (changed: object) => {
    const text = `${encode({ ...decode(header), ...changed })}.${payload}`
    return `${text}.${sign(null, Buffer.from(text), foreign.privateKey).toString('base64url')}`
  }
  await refuses(t, tokens, signed({}), /not signed by this server/, 'under our kid')
  const headers: Record<string, object> = {
    jwk: { jwk },
    jku: { jku: 'https://evil.example/jwks.json' },
    x5u: { x5u: 'https://evil.example/chain.pem' },
    x5c: { x5c: ['MIIB'] },
    crit: { crit: ['exp'] },
    b64: { crit: ['b64'], b64: false },
    'crit of ours': { crit: ['kid'] },
  }
  for (const [name, changed] of Object.entries(headers)) {
    await refuses(t, tokens, signed(changed), /foreign header|malformed/, name)
    await refuses(t, tokens, await signOwn(changed, {}), /foreign header|malformed/, `${name}, though signed by us`)
  }
  const unknown = Buffer.alloc(32, 7).toString('base64url')
  for (const kid of [
    unknown,
    '../../../../dev/null',
    "x' or '1'='1",
    '',
    '__proto__',
    'constructor',
    'https://evil.example/key',
  ]) {
    await refuses(t, tokens, signed({ kid }), /unknown key/, `kid ${kid}`)
  }
  for (const kid of [undefined, 1, null, [(await keys.signer()).kid]]) {
    await refuses(t, tokens, signed({ kid }), /foreign header|malformed/, `kid ${JSON.stringify(kid)}`)
  }
})

test('a token that was changed anywhere is refused', async (t) => {
  const { tokens, token, header, payload, signature } = await start(t)
  const scope = encode({ ...decode(payload), scope: 'admin' })
  await refuses(t, tokens, `${header}.${scope}.${signature}`, /not signed/, 'another scope')
  await refuses(
    t,
    tokens,
    `${header}.${encode({ ...decode(payload), sub: '2' })}.${signature}`,
    /not signed/,
    'another user',
  )
  for (let index = 0; index < token.length; index += 7) {
    const changed = token.slice(0, index) + (token[index] === 'A' ? 'B' : 'A') + token.slice(index + 1)
    await refuses(t, tokens, changed, /./, `letter ${index}`)
  }
  const last = token.slice(-1)
  const twins = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'].filter(
    (letter) => letter !== last,
  )
  for (const letter of twins) await refuses(t, tokens, token.slice(0, -1) + letter, /./, `last letter ${letter}`)
})

test('a token has one text: another alphabet, padding, spaces or more parts are refused', async (t) => {
  const { tokens, token, header, payload, signature } = await start(t)
  const texts = {
    padding: `${token}=`,
    'padding of a part': `${header}=.${payload}.${signature}`,
    'plain base64': `${header}.${payload.slice(0, -2)}+/.${signature}`,
    space: `${header}. ${payload}.${signature}`,
    'line end': `${token}\n`,
    'control character': `${token}\u0000`,
    'letter of another script': token.replace('e', 'е'),
    'two parts': `${header}.${payload}`,
    'four parts': `${token}.${signature}`,
    'five parts': `${token}..`,
    'no header': `.${payload}.${signature}`,
    'no payload': `${header}..${signature}`,
    nothing: '',
    'JSON serialisation': JSON.stringify({ protected: header, payload, signature }),
    'too long': `${header}.${payload}${'A'.repeat(5000)}.${signature}`,
    'no JSON': `${encode('no')}.${payload}.${signature}`,
    'an array for a header': `${encode([])}.${payload}.${signature}`,
  }
  for (const [name, text] of Object.entries(texts)) await refuses(t, tokens, text, /malformed/, name)
})

test('claims that are wrong, missing or of another time are refused though the server signed them', async (t) => {
  const { tokens, signOwn } = await start(t)
  const now = Math.floor(Date.now() / 1000)
  const claims: Record<string, { detail: RegExp; of: object[] }> = {
    iss: {
      detail: /wrong iss$/,
      of: [{ iss: 'https://evil.example' }, { iss: `${issuer}/` }, { iss: [issuer] }, { iss: undefined }],
    },
    aud: {
      detail: /wrong aud$/,
      of: [{ aud: 'https://evil.example' }, { aud: [] }, { aud: undefined }, { aud: { [issuer]: 1 } }],
    },
    exp: { detail: /has expired$/, of: [{ exp: now - 6 }, { exp: 0 }, { exp: -1 }] },
    'no exp': { detail: /wrong exp$/, of: [{ exp: undefined }, { exp: String(now + 60) }, { exp: null }] },
    iat: { detail: /wrong iat$/, of: [{ iat: now + 60 }, { iat: undefined }, { iat: String(now) }] },
    'old iat': { detail: /has expired$/, of: [{ iat: now - 3700, exp: now + 1e9 }] },
    nbf: { detail: /wrong nbf$/, of: [{ nbf: now + 60 }, { nbf: 'now' }] },
    sub: {
      detail: /wrong sub$/,
      of: [{ sub: undefined }, { sub: '0' }, { sub: '-1' }, { sub: '1e3' }, { sub: '1 or 1=1' }, { sub: '' }],
    },
    'sub of a type': { detail: /wrong sub$/, of: [{ sub: 1 }, { sub: null }, { sub: ['1'] }] },
    sid: { detail: /wrong sid$/, of: [{ sid: undefined }, { sid: 1 }, { sid: null }] },
    client_id: { detail: /wrong client_id$/, of: [{ client_id: undefined }, { client_id: 'other' }] },
    scope: { detail: /wrong scope$/, of: [{ scope: undefined }, { scope: ['admin'] }] },
    jti: { detail: /wrong jti$/, of: [{ jti: undefined }, { jti: 1 }] },
  }
  for (const [name, { detail, of }] of Object.entries(claims)) {
    for (const changed of of) {
      const text = JSON.stringify(changed) === '{}' ? `no ${name}` : JSON.stringify(changed)
      await refuses(t, tokens, await signOwn({}, changed), detail, text)
    }
  }
  t.equal(await refusal(tokens, await signOwn({}, { jti: randomUUID() })), 'accepted', 'as they are, they are good')
  t.equal(
    await refusal(tokens, await signOwn({}, { aud: [issuer, 'https://other.example'] })),
    'accepted',
    'one of several',
  )
})

test('another kind of JWT that the server may have signed is no access token', async (t) => {
  const { tokens, signOwn } = await start(t)
  for (const typ of ['JWT', 'jwt', 'id_token+jwt', 'at+jwt2', '', undefined, 1]) {
    await refuses(t, tokens, await signOwn({ typ }, {}), /wrong typ$|foreign header|malformed/, `typ ${typ}`)
  }
})

test('a refusal names the claim and never its value', async (t) => {
  const { tokens, signOwn } = await start(t)
  const error = await refusal(tokens, await signOwn({}, { iss: 'https://secret.example' }))
  t.notMatch(JSON.stringify([error, (error as Problem).message]), /secret\.example/)
})

test('tokens of a server with another name are refused, even with the same keys', async (t) => {
  const { keys, tokens } = await start(t)
  const other = new AccessTokens(keys, { issuer: 'https://staging.example.com', minutes: 10 })
  await refuses(t, tokens, await other.issue(owner), /wrong (iss|aud)$/, 'of another')
})

test('the issuer is the public address, else this machine', (t) => {
  t.equal(issuerOf({ PUBLIC_URL: 'https://api.example.com', PORT: 8080 }), 'https://api.example.com')
  t.equal(issuerOf({ PORT: 8080 }), 'http://localhost:8080')
  t.end()
})

test('a JWT is told from other credentials by its form', (t) => {
  t.ok(looksLikeJwt('eyJhbGciOiJFZERTQSJ9.e30.c2ln'))
  for (const other of ['', 'eyJ', 'eyJ.a', 'eyJ.a.b.c', 'spt_a.b.c', 'a.eyJ.c', 'sptr_abc'])
    t.notOk(looksLikeJwt(other), other)
  t.end()
})
