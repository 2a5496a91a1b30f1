/** What a provider is to a login: where the browser is sent, and who came back. */

/** What only this login knows: kept from its start to its end. */
export interface Handshake {
  /** Tells the answer of this login from others (RFC 6749 section 10.12). */
  readonly state: string
  /** What the code is redeemed with (RFC 7636). */
  readonly verifier: string
  /** What the ID token must repeat (OpenID Connect Core section 3.1.2.1); none where there is no ID token. */
  readonly nonce?: string | undefined
}

/** Who has logged in, as the provider says. */
export interface ProviderUser {
  readonly issuer: string
  /** Never given to another user of the issuer: what an identity is known by, together with that. */
  readonly subject: string
  readonly name?: string | undefined
  readonly email?: string | undefined
  /** Whether the provider says that the user reads the address. */
  readonly emailVerified: boolean
}

export interface Provider {
  readonly id: string
  readonly label: string
  /** Where the browser goes, and what must be kept until it is back. @throws when the provider is down. */
  begin(redirectUri: string): Promise<{ location: URL; handshake: Handshake }>
  /**
   * Redeems the code in the URL that the browser came back to.
   *
   * @throws {ProviderDown}, and another error for whatever is wrong with the answer.
   */
  finish(callback: URL, handshake: Handshake): Promise<ProviderUser>
}

/** At most 255 ASCII characters (OpenID Connect Core section 2). */
const subjectForm = /^[\x20-\x7e]{1,255}$/

/** @throws when it cannot be the name of a user. */
export function checkSubject(subject: string): string {
  if (!subjectForm.test(subject)) throw new Error('the subject is malformed')
  return subject
}
