/** Uses the API as a reader of Hey API's manual would. */

import { client } from '../generated/hey-api/client.gen.ts'
import { createUser, deleteUser, getUser, listUsers, updateUser } from '../generated/hey-api/index.ts'
import type { Transcript } from '../transcript.ts'

export async function consume(baseUrl: string): Promise<Transcript> {
  client.setConfig({ baseUrl })

  const list = await listUsers({ query: { limit: 2, sort: 'name' }, throwOnError: true })
  const created = await createUser({
    body: { name: 'Fatima', email: 'fatima@example.com' },
    throwOnError: true,
  })
  const path = { id: created.data.id }
  const got = await getUser({ path, throwOnError: true })
  const patched = await updateUser({ path, body: { name: 'Fatima Zahra' }, throwOnError: true })
  const deleted = await deleteUser({ path, throwOnError: true })

  const { error } = await getUser({ path })
  if (error?.code !== 'not-found') throw new Error('The user is still there')

  return {
    listed: list.data.map(({ name }) => name),
    created: {
      name: created.data.name,
      email: created.data.email,
      version: created.response.headers.get('etag'),
    },
    got: got.data.createdAt,
    patched: patched.data.name,
    deleted: deleted.response.status,
    missing: { status: error.status, code: error.code, detail: error.detail },
  }
}
