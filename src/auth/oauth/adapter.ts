/** The storage of oidc-provider's models, over ours. */

import { randomBytes } from 'node:crypto'
import type { Adapter, AdapterPayload } from 'oidc-provider'
import { isIdentityScope, offlineScope } from '../../contract/scope-words.ts'
import type { Command } from '../../storage/storage.ts'
import type { GrantType, OAuthClient, OAuthClients } from './clients.ts'
import type { Library } from './library.ts'
import type { Payload, Payloads } from './payloads.ts'
import { isNative } from './redirect-uris.ts'

export interface AdapterSettings {
  payloads: Payloads
  clients: OAuthClients
  knownScopes: ReadonlySet<string>
  library: Library
  /** What is to be written with the end of a grant, by the request that is being answered. */
  whyEnded: (grantId: string) => Promise<Command[]>
}

/** Demanded by the library, and the secret of no client: `compareClientSecret` asks who keeps the MAC of the real one. */
const placeholder = randomBytes(32).toString('base64url')

/** The adapter of one model. */
export function createAdapter(model: string, settings: AdapterSettings): Adapter {
  return model === 'Client' ? clientAdapter(settings) : payloadAdapter(model, settings)
}

function payloadAdapter(model: string, { payloads, library, whyEnded }: AdapterSettings): Adapter {
  const endGrant = async (grantId: string) => payloads.endGrant(grantId, await whyEnded(grantId))
  return {
    upsert: (id, payload, expiresIn) =>
      model === 'Grant'
        ? payloads.saveGrant(id, payload as Payload, expiresIn)
        : payloads.upsert(model, id, payload as Payload, expiresIn),
    find: (id) => payloads.find(model, id) as Promise<AdapterPayload | undefined>,
    findByUid: (uid) => payloads.findByUid(model, uid) as Promise<AdapterPayload | undefined>,
    findByUserCode: async () => undefined,
    async consume(id) {
      if (await payloads.consume(id)) return
      // Two requests have read it unused; the library itself meets only one that was used when it was read.
      const grantId = (await payloads.find(model, id))?.grantId
      if (grantId !== undefined) await endGrant(grantId)
      throw new library.errors.InvalidGrant('used twice at once')
    },
    destroy: (id) => (model === 'Grant' ? endGrant(id) : payloads.destroy(id)),
    revokeByGrantId: (grantId) => payloads.revokeByGrantId(model, grantId),
  }
}

function clientAdapter({ clients, knownScopes }: AdapterSettings): Adapter {
  const refuse = async () => {
    throw new Error('clients are made by administrators alone')
  }
  return {
    async find(id) {
      const client = await clients.find(id)
      return client && metadataOf(client, knownScopes)
    },
    upsert: refuse,
    findByUid: async () => undefined,
    findByUserCode: async () => undefined,
    consume: refuse,
    destroy: refuse,
    revokeByGrantId: refuse,
  }
}

/** The client as the library knows it (RFC 7591 section 2). */
function metadataOf(client: OAuthClient, knownScopes: ReadonlySet<string>): AdapterPayload | undefined {
  const { id, name, clientType, redirectUris, grantTypes } = client
  const has = (type: GrantType) => grantTypes.includes(type)
  const scopes = client.scopes.filter((scope) => knownScopes.has(scope) || isIdentityScope(scope))
  // The library takes a client without scopes for one that may ask for all.
  if (scopes.length === 0) return undefined
  return {
    client_id: id,
    client_name: name,
    application_type: clientType === 'public' && isNative(redirectUris) ? 'native' : 'web',
    token_endpoint_auth_method: clientType === 'public' ? 'none' : 'client_secret_basic',
    ...(clientType === 'confidential' && { client_secret: placeholder }),
    redirect_uris: redirectUris,
    grant_types: grantTypes,
    response_types: has('authorization_code') ? ['code'] : [],
    response_modes: ['query'],
    scope: [...scopes, ...(has('refresh_token') ? [offlineScope] : [])].join(' '),
  }
}
