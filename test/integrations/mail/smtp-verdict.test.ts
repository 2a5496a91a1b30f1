import { test } from 'tap'
import { verdictOf } from '../../../src/integrations/mail/smtp-verdict.ts'

function verdict(command: string, response: string) {
  const failure = Object.assign(new Error(response), { command, response, responseCode: Number(response.slice(0, 3)) })
  return verdictOf(failure)
}

const later = { as: 'later' }
const message = { as: 'refused', of: 'message' }
const address = { as: 'refused', of: 'address' }

test('what an enhanced status says is heeded, whatever command it answers', (t) => {
  for (const [response, expected] of [
    ['550 5.7.1 relaying denied', later],
    ['550 5.7.26 unauthenticated mail is not accepted', later],
    ['550 5.4.5 daily quota exceeded', later],
    ['550 5.1.7 bad sender', later],
    ['550 5.1.8 bad domain of the sender', later],
    ['550 5.3.2 the system takes no mail', later],
    ['503 5.5.1 bad sequence', later],
    ['552 5.2.2 mailbox full', later],
    ['550 5.2.2 mailbox full', later],
    ['552 5.3.4 too long', message],
    ['554 5.6.0 not understood', message],
    ['550 5.0.0 no', message],
    ['550 5.1.1 no such user', address],
    ['550-5.1.1 no such user', address],
    ['556 5.1.10 no mail', address],
    ['550 5.2.1 closed', address],
  ] as const) {
    t.match(verdict('RCPT TO', response), expected, response)
    t.match(verdict('DATA', response), expected, `${response} after the message`)
  }
  t.end()
})

test('a reply without one keeps messages from no address', (t) => {
  for (const [response, ofRecipient, ofData] of [
    ['550 relay not permitted', later, later],
    ['550 no such user', message, message],
    ['553 not here', message, message],
    ['554 no', message, message],
    ['552 too much', later, message],
    ['500 what', later, later],
    ['501 bad syntax', later, later],
    ['503 bad sequence', later, later],
    ['521 no mail here', later, later],
    ['450 try later', later, later],
  ] as const) {
    t.match(verdict('RCPT TO', response), ofRecipient, response)
    t.match(verdict('DATA', response), ofData, `${response} after the message`)
  }
  t.match(verdict('MAIL FROM', '550 5.1.1 no'), later, 'no recipient was named yet')
  t.match(verdict('RCPT TO', '530 5.7.0 authenticate'), { as: 'later', error: /credentials/ })
  t.end()
})
