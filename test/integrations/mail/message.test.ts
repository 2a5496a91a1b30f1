import { test } from 'tap'
import { reasonOf } from '../../../src/integrations/mail/message.ts'

test('a token that a server repeats is not kept', (t) => {
  const said = '554 5.6.0 spam: https://api.example.com/auth/reset-password#token=aB3-_x9, sorry'
  t.equal(reasonOf(said), '554 5.6.0 spam: https://api.example.com/auth/reset-password#token=(token), sorry')
  t.equal(reasonOf('see /mail/unsubscribe?token=abc.def'), 'see /mail/unsubscribe?token=(token)')
  t.end()
})

test('what a server has said is one short line without addresses', (t) => {
  t.equal(reasonOf('550 5.1.1\r\n <Fatima@example.com>:\0 no such user'), '550 5.1.1 <(address)>: no such user')
  t.equal(reasonOf('x'.repeat(5000)).length, 300)
  t.equal(reasonOf(`${' '.repeat(2000)}x`), '', 'however much it says, so much is read')
  t.end()
})
