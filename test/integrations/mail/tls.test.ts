import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import tls from 'node:tls'
import type { SMTPServerOptions } from 'smtp-server'
import { type Test, test } from 'tap'
import { temporaryFolder } from '../../helper.ts'
import { openMail } from './setup.ts'

const skip = spawnSync('openssl', ['version']).status === 0 ? false : 'openssl is not installed'
const user = 'septet@example.com'
const password = 'p/ss w@rd'
const login = `${encodeURIComponent(user)}:${encodeURIComponent(password)}`

/** A certificate of `localhost` that signs itself; this process trusts it from now on, or not. */
function certify(t: Test, trusted: boolean): { key: Buffer; cert: Buffer } {
  const folder = temporaryFolder(t)
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
  const made = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '1']
  const named = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost', '-keyout', key, '-out', cert]
  t.equal(spawnSync('openssl', [...made, ...named]).status, 0)
  const before = tls.getCACertificates('default')
  if (trusted) tls.setDefaultCACertificates([...before, readFileSync(cert, 'utf8')])
  t.teardown(() => tls.setDefaultCACertificates(before))
  return { key: readFileSync(key), cert: readFileSync(cert) }
}

/** A server that takes nothing but what this user sends. */
function guarded(certificate: object): SMTPServerOptions {
  return {
    ...certificate,
    disabledCommands: [],
    authOptional: false,
    onAuth: ({ username, password: given }, _session, done) =>
      given === password ? done(null, { user: username }) : done(new Error(`${username} is not let in`)),
  }
}

async function setup(t: Test, options: SMTPServerOptions, url: (port: number) => string, policy = '') {
  const opened = await openMail(t, { SMTP_STARTTLS: policy }, options, url)
  await opened.signUp()
  return opened
}

test('a message goes on over TLS, and by the user of the URL', { skip }, async (t) => {
  const options = guarded(certify(t, true))
  for (const policy of ['required', '']) {
    const { next } = await setup(t, options, (port) => `smtp://${login}@localhost:${port}`, policy)
    t.match(await next(), { secure: true, user })
  }
  const { next } = await setup(t, { ...options, secure: true }, (port) => `smtps://${login}@localhost:${port}`)
  t.match(await next(), { secure: true, user })
})

test('a wrong password waits for its operator, and is shown nowhere', { skip }, async (t) => {
  const url = (port: number) => `smtp://${encodeURIComponent(user)}:wrong@localhost:${port}`
  const { until, smtp, logs, get } = await setup(t, guarded(certify(t, true)), url)
  const { error, status } = await until(({ attempts }) => attempts > 1)
  t.match({ error, status }, { error: /^The mail server refuses the credentials: 535 /, status: 535 })
  t.same(smtp.taken, [])
  t.notMatch(JSON.stringify([logs(), await get('/connectors/mail')]), /p\/ss|wrong\b|d3Jvbmc/)
})

test('where TLS is required, nothing is said to a server that does not offer it', { skip }, async (t) => {
  const plain = { disabledCommands: ['STARTTLS'], allowInsecureAuth: true }
  const options = { ...guarded({}), ...plain }
  const { until, smtp } = await setup(t, options, (port) => `smtp://${login}@localhost:${port}`, 'required')
  t.match(await until(({ attempts }) => attempts > 1), {
    state: 'waiting',
    error: /^TLS with the mail server failed: /,
  })
  t.equal(smtp.asked, 0)
  const insecure = await setup(t, options, (port) => `smtp://${login}@localhost:${port}`, 'offered')
  t.match(await insecure.next(), { secure: false, user }, 'on loopback, whoever wants that can have it')
})

test('a server with a certificate that nobody vouches for gets nothing', { skip }, async (t) => {
  const options = guarded(certify(t, false))
  const { until, smtp } = await setup(t, options, (port) => `smtp://${login}@localhost:${port}`)
  t.match(await until(({ attempts }) => attempts > 1), {
    state: 'waiting',
    error: /could not be used: self-signed/,
  })
  t.equal(smtp.asked, 0)
})
