/** Requests to providers: short, small, never redirected, and never in clear text over a network. */

import type { CustomFetch } from 'openid-client'
import { isOwn } from './settings.ts'

/** For a whole answer, in seconds. */
export const timeLimit = 5
/** Of an answer, decoded, in bytes. */
const sizeLimit = 262_144

/** The provider does not answer, or not as a working server would. */
export class ProviderDown extends Error {
  override readonly name = 'ProviderDown'
}

/** Whether an error, or what caused it, is that the provider is down. */
export function isProviderDown(error: unknown): boolean {
  for (let each = error; each instanceof Error; each = each.cause) if (each instanceof ProviderDown) return true
  return false
}

/** `fetch` with these limits. @throws {ProviderDown} */
export const limitedFetch: CustomFetch = async (url, { method, headers, body, signal }) => {
  const { protocol } = new URL(url)
  if (protocol !== 'https:' && !isOwn(new URL(url))) throw new ProviderDown('the provider names a URL without TLS')
  const own = AbortSignal.timeout(timeLimit * 1000)
  try {
    const response = await fetch(url, {
      method,
      headers,
      body: body ?? null,
      redirect: 'manual',
      signal: signal === undefined ? own : AbortSignal.any([own, signal]),
    })
    const bytes = await read(response)
    if (response.status >= 500 || response.status === 429) {
      throw new ProviderDown(`the provider answers ${response.status}`)
    }
    return new Response(hasBody(response) ? bytes : null, { status: response.status, headers: response.headers })
  } catch (error) {
    throw error instanceof ProviderDown ? error : new ProviderDown('the provider does not answer', { cause: error })
  }
}

async function read({ body }: Response): Promise<Buffer<ArrayBuffer>> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of body ?? []) {
    size += chunk.byteLength
    // Leaving the loop cancels the rest.
    if (size > sizeLimit) throw new ProviderDown('the answer of the provider is too large')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

function hasBody({ status }: Response): boolean {
  return status !== 204 && status !== 205 && status !== 304
}
