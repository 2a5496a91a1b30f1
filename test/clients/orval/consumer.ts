/** Uses the API as a reader of orval's manual would: a status narrows the type of the data. */

import { createUser, deleteUser, getUser, listUsers, updateUser } from '../generated/orval/client.ts'
import type { Transcript } from '../transcript.ts'
import { setBaseUrl } from './base-url.ts'

export async function consume(baseUrl: string): Promise<Transcript> {
  setBaseUrl(baseUrl)

  const list = await listUsers({ limit: 2, sort: 'name' })
  if (list.status !== 200) throw new Error(list.data.detail)

  const created = await createUser({ name: 'Fatima', email: 'fatima@example.com' })
  if (created.status !== 201) throw new Error(created.data.detail)
  const { id } = created.data

  const got = await getUser(id)
  if (got.status !== 200) throw new Error('The user is not there')

  const patched = await updateUser(id, { name: 'Fatima Zahra' })
  if (patched.status !== 200) throw new Error(patched.data.detail)

  const deleted = await deleteUser(id)
  if (deleted.status !== 204) throw new Error(deleted.data.detail)

  const missing = await getUser(id)
  if (missing.status !== 404 || missing.data.code !== 'not-found') throw new Error('The user is still there')

  return {
    listed: list.data.map(({ name }) => name),
    created: {
      name: created.data.name,
      email: created.data.email,
      version: created.headers.get('etag'),
    },
    got: got.data.createdAt,
    patched: patched.data.name,
    deleted: deleted.status,
    missing: { status: missing.data.status, code: missing.data.code, detail: missing.data.detail },
  }
}
