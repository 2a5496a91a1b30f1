/** How long the parameters of requests may be: some are kept until their user has answered, or given back. */

import type { KoaContextWithOIDC } from 'oidc-provider'
import type { Library } from './library.ts'

/** In characters. What an application has in `state` is its own; hints may be whole tokens. */
const longest: Readonly<Record<string, number>> = {
  state: 4096,
  id_token_hint: 4096,
  token: 4096,
  scope: 2048,
  redirect_uri: 1024,
}
const longestOther = 512

/** @throws InvalidRequest (RFC 6749 sections 4.1.2.1 and 5.2) */
export function refuseLong({ oidc }: Pick<KoaContextWithOIDC, 'oidc'>, { errors }: Library): void {
  for (const [name, value] of Object.entries(oidc.params ?? {})) {
    const max = longest[name] ?? longestOther
    if (typeof value === 'string' && value.length > max) {
      throw new errors.InvalidRequest(`${name} must not be longer than ${max} characters`)
    }
  }
}
