import { join } from 'node:path'
import { type Client, createClientAsync, WSSecurity } from 'soap'
import { test } from 'tap'
import { clients, run } from '../../contract/foreign-tools.ts'
import { listen } from '../../helper.ts'

const php = await run('php', ['-r', 'exit(class_exists("SoapClient") ? 0 : 1);']).then(
  ({ code }) => (code === 0 ? false : 'php-soap is not installed'),
  () => 'php-cli is not installed',
)
const versions = [
  ['1.1', 'Client'],
  ['1.2', 'Sender'],
] as const

/** What a client sees that calls every operation of users. */
function transcript(code: string) {
  const fault = (name: string, problem: string, status: number) => [code, name, problem, status]
  return {
    listed: ['Ali', 'Mohamed', null],
    created: [3, 'Zoë <&> 🚀', '/users/3'],
    repeated: 'true',
    got: ['Zoë <&> 🚀', 'zoe@example.com', '"1"'],
    found: ['id', 'name', 'email'],
    updated: 'Z',
    replaced: ['Y', 'y@example.com'],
    deleted: null,
    stale: fault('PreconditionFailedFault', 'precondition-failed', 412),
    missing: fault('NotFoundFault', 'not-found', 404),
    invalid: [...fault('ValidationFailedFault', 'validation-failed', 400), ['/email', '/name']],
    conflict: fault('ConflictFault', 'conflict', 409),
    me: 'api-key',
    nobody: fault('UnauthenticatedFault', 'unauthenticated', 401),
  }
}

for (const [version, code] of versions) {
  test(`PHP's SoapClient calls every operation of users over SOAP ${version}`, { skip: php }, async (t) => {
    const { app, base } = await listen(t)
    const script = join(clients, 'php', 'consumer.php')
    const { code: exit, stdout, stderr } = await run('php', [script, base, version, app.apiKeys.first ?? ''])
    t.equal(exit, 0, stdout + stderr)
    const { operations, ...seen } = JSON.parse(stdout) as Record<string, unknown>
    // Each is there once a binding.
    t.equal(operations, 2 * app.contract.size)
    t.strictSame(seen, transcript(`soap:${code}`))
  })

  test(`the soap package of npm calls every operation of users over SOAP ${version}`, async (t) => {
    const { app, base } = await listen(t)
    const client = await createClientAsync(`${base}/soap?wsdl`, { forceSoap12Headers: version === '1.2' })
    client.setEndpoint(`${base}/soap`)
    t.strictSame(await consume(client, app.apiKeys.first ?? ''), transcript(`soap:${code}`))
  })
}

test('the soap package of npm proves an API key by a PasswordDigest, with a Timestamp beside it', async (t) => {
  const { app, base } = await listen(t)
  const headers = { 'x-api-key': app.apiKeys.first ?? '' }
  const answer = await fetch(`${base}/me/digest-password`, { headers })
  const { username, password } = (await answer.json()) as { username: string; password: string }
  const client = await createClientAsync(`${base}/soap?wsdl`)
  client.setEndpoint(`${base}/soap`)
  client.setSecurity(new WSSecurity(username, password, { passwordType: 'PasswordDigest', hasTimeStamp: true }))
  const [me] = (await client.getMeAsync({})) as [{ result: { id: string } }]
  t.equal(me.result.id, `api-key:${username}`)
})

interface Answer {
  result: Record<string, unknown> & { items: { name: string }[] }
  blocks: Record<string, string>
  fault: unknown[]
  pointers: string[]
}

/** Calls as the package offers them: methods with `Async` behind their name, header blocks as objects. */
async function consume(client: Client, key: string) {
  const call = async (operation: string, input: object, blocks: object = {}): Promise<Answer> => {
    client.clearSoapHeaders()
    // With a namespace and no prefix it would write `xmlns:="…"`; `tns` is bound in its envelopes.
    for (const [name, value] of Object.entries(blocks)) client.addSoapHeader({ [`tns:${name}`]: value })
    const method = client[`${operation}Async`] as (input: object) => Promise<[Partial<Answer>, string, Header?]>
    try {
      const [answer, , header] = await method(input)
      return { result: answer?.result, blocks: textsOf(header ?? {}) } as Answer
    } catch (error) {
      return faultOf((error as { root: Root }).root) as Answer
    }
  }
  const zoe = { name: 'Zoë <&> 🚀', email: 'zoe@example.com' }
  const list = await call('listUsers', { limit: 1, sort: '-id' })
  const next = await call('listUsers', { limit: 1, sort: '-id', cursor: list.result.nextCursor })
  const created = await call('createUser', zoe, { IdempotencyKey: 'k' })
  const repeated = await call('createUser', zoe, { IdempotencyKey: 'k' })
  const got = await call('getUser', { id: 3 })
  const found = await call('findUser', { id: 3 })
  const updated = await call('updateUser', { id: 3, name: 'Z' }, { IfMatch: got.blocks.ETag })
  const replaced = await call('replaceUser', { id: 3, name: 'Y', email: 'y@example.com' })
  const stale = await call('updateUser', { id: 3, name: 'X' }, { IfMatch: got.blocks.ETag })
  const deleted = await call('deleteUser', { id: 3 })
  const missing = await call('getUser', { id: 3 })
  const invalid = await call('createUser', { name: ' ', email: 'x' })
  const conflict = await call('createUser', { name: 'A', email: 'ali@example.com' })
  client.setSecurity(new WSSecurity('npm', key, { hasTimeStamp: false }))
  const me = await call('getMe', {})
  client.setSecurity(new WSSecurity('npm', 'wrong', { hasTimeStamp: false }))
  const nobody = await call('getMe', {})
  return {
    listed: [list.result.items[0]?.name, next.result.items[0]?.name, next.result.nextCursor ?? null],
    created: [created.result.id, created.result.name, created.blocks.Location],
    repeated: repeated.blocks.IdempotentReplayed,
    got: [got.result.name, got.result.email, got.blocks.ETag],
    found: Object.keys(found.result),
    updated: updated.result.name,
    replaced: [replaced.result.name, replaced.result.email],
    deleted: deleted.result ?? null,
    stale: stale.fault,
    missing: missing.fault,
    invalid: [...invalid.fault, invalid.pointers],
    conflict: conflict.fault,
    me: me.result.kind,
    nobody: nobody.fault,
  }
}

type Header = Record<string, unknown>

interface Root {
  Envelope: {
    Body: {
      Fault: {
        faultcode?: string
        detail?: Record<string, Fields>
        Code?: { Value: string }
        Detail?: Record<string, Fields>
      }
    }
  }
}
interface Fields {
  code: string
  status: number
  errors?: { pointer: string } | { pointer: string }[]
}

function faultOf({ Envelope }: Root): Pick<Answer, 'fault' | 'pointers'> {
  const { faultcode, Code, detail, Detail } = Envelope.Body.Fault
  const [[name, { code, status, errors }] = ['', {} as Fields]] = Object.entries(detail ?? Detail ?? {})
  const pointers = [errors ?? []].flat().map(({ pointer }) => pointer)
  return { fault: [faultcode ?? Code?.Value, name, code, Number(status)], pointers: pointers.sort() }
}

/** A block is its text, or an object around it where it has attributes. */
function textsOf(header: Header): Record<string, string> {
  return Object.fromEntries(
    Object.entries(header).map(([name, value]) => [
      name,
      typeof value === 'object' && value !== null ? String((value as { $value: unknown }).$value) : String(value),
    ]),
  )
}
