/** What a route declares of its access; the guard and the OpenAPI document are both made from it. */

/** Security requirements as OpenAPI has them: any one of the schemes, with all of its scopes. */
export type Security = readonly Readonly<Record<string, readonly string[]>>[]

/** Anyone may call: no credential is asked for. */
export const open: Security = []

/** Any principal with all of these scopes, however it proved who it is; without scopes, any but anonymous. */
export function requires(...scopes: string[]): Security {
  return [{ apiKey: scopes }, { accessToken: scopes }, { oauth2: scopes }]
}

/** As {@link requires}, but by no application: what it could do here would outlast the consent that it has. */
export function firsthand(...scopes: string[]): Security {
  return [{ apiKey: scopes }, { accessToken: scopes }]
}

/** Only a person who has signed in: a key cannot do this for them. */
export function signedIn(...scopes: string[]): Security {
  return [{ accessToken: scopes }]
}
