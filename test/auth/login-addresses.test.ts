import { test } from 'tap'
import { isTheirs } from '../../src/auth/login/oidc.ts'

const google = 'https://accounts.google.com'

test('Google is believed about its own addresses and those of domains that it hosts', async (t) => {
  for (const claims of [
    { email: 'fatima@gmail.com' },
    { email: 'Fatima@GoogleMail.com' },
    { email: 'fatima@work.example', hd: 'work.example' },
  ]) {
    t.equal(isTheirs(google, claims), true, claims.email)
  }
  for (const claims of [
    { email: 'fatima@yahoo.example' },
    { email: 'fatima@other.example', hd: 'work.example' },
    { email: 'fatima@gmail.com.example' },
  ]) {
    t.equal(isTheirs(google, claims), false, claims.email)
  }
})

test('an issuer of the settings is believed about every address that it calls verified', async (t) => {
  t.equal(isTheirs('https://id.example.com', { email: 'fatima@yahoo.example' }), true)
})
