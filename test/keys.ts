/** API keys for tests: that of the first start, and further ones that it makes. */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { FastifyInstance } from 'fastify'
import type { Key } from '../routes/keys/schema.ts'

export type Made = typeof Key.static & { key: string }

/** The key that the first start put into its data folder. */
export function adminKeyOf(folder: string): string {
  return readFileSync(join(folder, 'admin-key'), 'utf8').trim()
}

/** Makes a key with these scopes, by another key. */
export async function makeKey(app: FastifyInstance, by: string, scopes: string[], more: object = {}): Promise<Made> {
  const answer = await app.inject({
    method: 'POST',
    url: '/keys',
    headers: { 'x-api-key': by },
    payload: { name: scopes.join(), scopes, ...more },
  })
  if (answer.statusCode !== 201) throw new Error(answer.body)
  return answer.json<Made>()
}
