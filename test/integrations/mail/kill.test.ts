import { join } from 'node:path'
import Database from 'better-sqlite3'
import { type Test, test } from 'tap'
import { fatima } from '../../auth/account-setup.ts'
import { temporaryFolder } from '../../helper.ts'
import { adminKeyOf } from '../../keys.ts'
import { startServer } from '../../storage/server-process.ts'
import { from, quick, until } from './setup.ts'
import { type Counterpart, openSmtp } from './smtp-counterpart.ts'

/** A server of its own process, which may be killed, and begun again once the lease of what it did is over. */
async function setup(t: Test, prepare: (smtp: Counterpart) => void) {
  const smtp = await openSmtp(t)
  prepare(smtp)
  const folder = temporaryFolder(t)
  const url = { SMTP_URL: `smtp://127.0.0.1:${smtp.port}`, SMTP_STARTTLS: 'off' }
  const settings = { ...quick, ...url, DATA_DIR: folder, MAIL_FROM: from }
  const first = await startServer(t, settings)
  const body = JSON.stringify(fatima)
  const headers = { 'content-type': 'application/json' }
  t.equal((await fetch(`${first.base}/auth/sign-up`, { method: 'POST', headers, body })).status, 202)
  return {
    smtp,
    kill: () => first.end('SIGKILL'),
    async begin() {
      const database = new Database(join(folder, 'septet.sqlite'))
      const { changes } = database.prepare('update deliveries set due = 0').run()
      database.close()
      t.equal(changes, 1, 'the delivery is there')
      const { base } = await startServer(t, settings)
      const answer = () => fetch(`${base}/connectors/mail/deliveries`, { headers: { 'x-api-key': adminKeyOf(folder) } })
      const read = async () => (await (await answer()).json()) as { state: string; attempts: number }[]
      return until(read, ([delivery]) => delivery?.state === 'delivered')
    },
  }
}

test('a process that is killed when the server has taken a message sends it again, under the same Message-ID', async (t) => {
  const { smtp, kill, begin } = await setup(t, (each) => {
    each.delay = 20_000
  })
  await until(
    () => smtp.taken.length,
    (count) => count === 1,
  )
  await kill()
  smtp.delay = 0
  await begin()
  t.equal(smtp.taken.length, 2)
  const [first, second] = smtp.taken
  t.equal(first?.mail.messageId, second?.mail.messageId)
  t.ok(first?.raw.equals(second?.raw ?? Buffer.alloc(0)), 'it is the same to the byte')
})

test('a process that is killed before the server has taken a message loses none, and sends it once', async (t) => {
  const { smtp, kill, begin } = await setup(t, (each) => {
    each.holdsRecipients = true
  })
  await until(
    () => smtp.asked,
    (count) => count === 1,
  )
  await kill()
  smtp.holdsRecipients = false
  await begin()
  t.equal(smtp.taken.length, 1)
})
