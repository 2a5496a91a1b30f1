import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { hash } from '@node-rs/argon2'
import { test } from 'tap'
import { refuseWeak, weaknessOf } from '../../src/auth/password-rules.ts'
import { PasswordThread } from '../../src/auth/password-thread.ts'
import { isOutdated, Passwords } from '../../src/auth/passwords.ts'

const owner = { name: 'Fatima Al-Fihri', email: 'fatima.alfihri@qarawiyyin.example' }
const good = 'violet tram at noon'
const caller = { ip: '192.0.2.7' }

test('a password is stored as Argon2id with 19 MiB, two passes and one lane, each time with another salt', async (t) => {
  const passwords = new Passwords()
  const stored = await passwords.hash(good, caller)
  t.match(stored, /^\$argon2id\$v=19\$m=19456,t=2,p=1\$/)
  t.not(await passwords.hash(good, caller), stored)
  await passwords.inTurn(caller, async (turn) => {
    t.equal(await turn.verify(stored, good), true)
    t.equal(await turn.verify(stored, `${good} `), false)
  })
  t.equal(passwords.computed, 4)
})

test('a password is the same however a keyboard composes its letters', async (t) => {
  const passwords = new Passwords()
  const stored = await passwords.hash('Fátima’s café ﬁne', caller)
  await passwords.inTurn(caller, async (turn) => {
    t.equal(await turn.verify(stored, 'Fátima’s café ﬁne'.normalize('NFD')), true)
    t.equal(await turn.verify(stored, 'Fátima’s café fine'), true)
  })
})

test('where there is no hash, one is verified all the same, and says no', async (t) => {
  const passwords = new Passwords()
  await passwords.inTurn(caller, async (turn) => {
    t.equal(await turn.verify(undefined, good), false)
    t.equal(await turn.verify(null, ''), false)
  })
  t.equal(passwords.computed, 2)
})

test('a hash with other parameters is outdated', async (t) => {
  t.notOk(isOutdated(await new Passwords().hash(good, caller)))
  t.ok(isOutdated(await hash(good, { memoryCost: 8192, timeCost: 2, parallelism: 1 })))
  t.ok(isOutdated(await hash(good, { memoryCost: 19_456, timeCost: 3, parallelism: 1 })))
  t.ok(isOutdated(await hash(good, { memoryCost: 19_456, timeCost: 2, parallelism: 1, algorithm: 1 })))
})

test('two have their turn at once, others wait in order, and the 129th that would wait is sent away', async (t) => {
  const passwords = new Passwords(2)
  const order: number[] = []
  let running = 0
  let most = 0
  const ends: (() => void)[] = []
  const task = (number: number) =>
    passwords.inTurn({ ip: `192.0.2.${number}` }, async () => {
      order.push(number)
      running += 1
      most = Math.max(most, running)
      await new Promise<void>((resolve) => ends.push(resolve))
      running -= 1
    })
  const all = Array.from({ length: 130 }, (_, number) => task(number))
  t.equal(passwords.waiting, 128)
  await t.rejects(passwords.hash(good, caller), { code: 'unavailable', headers: { 'retry-after': '1' } })
  while (ends.length > 0) {
    ends.shift()?.()
    await new Promise(setImmediate)
  }
  await Promise.all(all)
  t.equal(most, 2)
  t.same(
    order,
    Array.from({ length: 130 }, (_, number) => number),
  )
  t.equal(passwords.waiting, 0)
  t.match(await passwords.hash(good, caller), /^\$argon2id/, 'and later there is room again')
})

test('one caller does not keep others from their turn: sixteen of its network wait at most', async (t) => {
  const passwords = new Passwords(1)
  const many = Array.from({ length: 17 }, (_, host) => passwords.hash(good, { ip: `2001:db8::${host}` }))
  t.equal(passwords.waiting, 16)
  await t.rejects(passwords.hash(good, { ip: '2001:db8::9:9:9:9' }), {
    code: 'rate-limited',
    headers: { 'retry-after': '1' },
  })
  t.match(await passwords.hash(good, caller), /^\$argon2id/)
  await Promise.all(many)
})

test('a thread that cannot start frees its turn', async (t) => {
  const passwords = new Passwords(1)
  const worker = t.intercept(Worker.prototype, 'unref', {
    value(this: Worker) {
      void this.terminate()
      throw new Error('no thread')
    },
  })
  const failed = passwords.hash(good, caller)
  const waiting = passwords.hash(good, caller)
  await t.rejects(failed, { message: 'no thread' })
  await t.rejects(waiting, { message: 'no thread' })
  worker.restore()
  t.match(await passwords.hash(good, caller), /^\$argon2id/)
})

test('a thread that has met an error takes no more jobs', async (t) => {
  const workers: Worker[] = []
  const interception = t.intercept(Worker.prototype, 'unref', {
    value(this: Worker) {
      workers.push(this)
    },
  })
  const thread = new PasswordThread()
  interception.restore()
  workers[0]?.emit('error', new Error('out of memory'))
  t.ok(thread.ended)
  await t.rejects(thread.hash(good, { memoryCost: 8192, timeCost: 1, parallelism: 1 }), /has ended/)
  await thread.end()
})

test('a task that fails gives its turn to the next', async (t) => {
  const passwords = new Passwords()
  const fail = () => passwords.inTurn(caller, () => Promise.reject(new Error('no')))
  const results = await Promise.allSettled([fail(), fail(), fail(), passwords.inTurn(caller, async () => 'yes')])
  t.same(
    results.map(({ status }) => status),
    ['rejected', 'rejected', 'rejected', 'fulfilled'],
  )
})

test('a thread that has ended is replaced, and a job that it owed is refused', async (t) => {
  const passwords = new Passwords(1)
  await passwords.hash(good, caller)
  await passwords.close()
  t.match(await passwords.hash(good, caller), /^\$argon2id/)
  const thread = new PasswordThread()
  const job = thread.verify('$argon2id$', good)
  await t.rejects(job, /Error/, 'as is a hash that is none')
  const owed = thread.hash(good, { memoryCost: 19_456, timeCost: 200, parallelism: 1 })
  await Promise.all([t.rejects(owed, { message: 'the thread that hashes passwords has ended' }), thread.end()])
  await t.rejects(thread.verify('$argon2id$', good), { message: 'the thread that hashes passwords has ended' })
  t.ok(thread.ended)
})

test('weak passwords are refused, with the reason', (t) => {
  const refused: [string, RegExp][] = [
    ['too short', /10 to 128/],
    ['éclairs!!'.normalize('NFD'), /10 to 128/],
    ['x'.repeat(129), /10 to 128/],
    ['qwertyuiop', /tried first/],
    ['Q1W2E3R4T5', /tried first/],
    ['1234567890', /tried first/],
    ['ba9ba9ba9ba9ba', /repetition/],
    [';;;;;;;;;;;;', /repetition/],
    ['MNBVCXZLKJHGF', /row/],
    ['ghijklmnopqr', /row/],
    ['password2026!', /common words/],
    ['P@ssw0rd-1234', /common words/],
    ['Septet-Septet', /repetition|common words/],
    ['septet2026', /common words/],
    ['FatimaAlFihri', /common words/],
    ['alfihri!fatima1', /common words/],
    ['qarawiyyin2026', /common words/],
    ['fatima.alfihri@qarawiyyin.example', /common words/],
  ]
  for (const [password, reason] of refused) t.match(weaknessOf(password, owner), reason, password)
  t.throws(() => refuseWeak('qwertyuiop', owner, 'newPassword'), {
    code: 'validation-failed',
    errors: [{ in: 'body', pointer: '/newPassword', detail: 'is among those that are tried first' }],
  })
  t.end()
})

test('good passwords are accepted, in any script, and with part of a name in them', (t) => {
  const accepted = [
    good,
    'correct horse battery staple',
    '!#%&/()=?^*<>|',
    'فاطمة تشرب الشاي',
    '紫色の路面電車は正午に',
    'fatima drinks green tea',
    '🦀🐙🦑🐠🐟🐬🐳🐋🦈🐊',
    'x7Kp2mQz9R',
  ]
  for (const password of accepted) t.equal(weaknessOf(password, owner), undefined, password)
  t.end()
})

test('the list of common passwords holds some thousand that are long enough to be chosen, and refuses each', (t) => {
  const file = join(import.meta.dirname, '../../src/auth/common-passwords.txt')
  const listed = readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
  t.ok(listed.length > 2000)
  t.same(
    listed.filter((password) => weaknessOf(password.toUpperCase(), owner) === undefined),
    [],
  )
  t.end()
})
