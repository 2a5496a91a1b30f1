/** Uses the API as a reader of openapi-typescript's and openapi-fetch's manuals would. */

import createClient from 'openapi-fetch'
import type { paths } from '../generated/openapi-typescript/schema.ts'
import type { Transcript } from '../transcript.ts'

export async function consume(baseUrl: string): Promise<Transcript> {
  const client = createClient<paths>({ baseUrl })

  const list = await client.GET('/users', { params: { query: { limit: 2, sort: 'name' } } })
  if (list.error) throw new Error(list.error.detail)

  const created = await client.POST('/users', { body: { name: 'Fatima', email: 'fatima@example.com' } })
  if (created.error) throw new Error(created.error.detail)
  const path = { id: created.data.id }

  const got = await client.GET('/users/{id}', { params: { path } })
  if (got.error) throw new Error(got.error.detail)

  const patched = await client.PATCH('/users/{id}', { params: { path }, body: { name: 'Fatima Zahra' } })
  if (patched.error) throw new Error(patched.error.detail)

  const deleted = await client.DELETE('/users/{id}', { params: { path } })
  if (deleted.error) throw new Error(deleted.error.detail)

  const missing = await client.GET('/users/{id}', { params: { path } })
  if (missing.error?.code !== 'not-found') throw new Error('The user is still there')

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
    missing: { status: missing.error.status, code: missing.error.code, detail: missing.error.detail },
  }
}
