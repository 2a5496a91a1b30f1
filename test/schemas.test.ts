import { test } from 'tap'
import { fold, isEmail, normaliseEmail } from '../src/schemas/email.ts'

test('folding makes case, composition and the final sigma alike', (t) => {
  t.equal(fold('ΟΔΟΣ'), fold('οδος'))
  t.ok(fold('ΟΔΟΣ 5').startsWith(fold('ΟΔΟΣ')))
  t.equal(fold('E\u0301'), fold('é'))
  t.end()
})

test('addresses of any script are addresses, and their hosts are compared as ASCII', (t) => {
  for (const address of ['a@b.co', 'josé@exámple.com', '用户@例え.jp', 'a+b.c@sub.example.com'])
    t.ok(isEmail(address), address)
  t.equal(normaliseEmail('Ali@例え.JP'), 'ali@xn--r8jz45g.jp')
  t.end()
})

test('a host is compared the same whether it is written in ASCII or not', (t) => {
  t.equal(normaliseEmail('a@XN--R8JZ45G.jp'), normaliseEmail('a@例え.jp'))
  t.equal(normaliseEmail('A@EXAMPLE.com'), 'a@example.com')
  t.notOk(isEmail('a@xn--.com@'), 'no text behind the host')
  t.notOk(isEmail('a@1.0x7f'), 'an address in disguise')
  t.end()
})
