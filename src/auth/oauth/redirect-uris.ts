/** Where a client may have users sent back to (RFC 6749 section 3.1.2, RFC 8252 section 7, RFC 9700 section 4.1). */

const loopbackHosts = new Set(['localhost', '127.0.0.1', '[::1]'])
/** A scheme of an application's own is its domain name backwards (RFC 8252 section 7.1): others belong to somebody else. */
const privateUseScheme = /^[a-z][a-z0-9+-]*(\.[a-z0-9+-]+)+:$/
/** Anything but printable ASCII, and what other parsers read otherwise. */
const unsafe = /[^!-~]|[*\\]/
/** What URLs may have in a host and the policy of the page, which names it, reads as its own (CSP Level 3 section 2.2). */
const unsafeHost = /[;,'"]/

/** Why an address cannot be registered, continuing its pointer; nothing when it can. */
export function refusalOfRedirectUri(uri: string, clientType: 'confidential' | 'public'): string | undefined {
  const url = URL.parse(uri)
  if (url === null) return 'must be an absolute URI'
  if (uri.includes('#')) return 'must not have a fragment'
  if (unsafe.test(uri) || unsafeHost.test(url.host) || url.username !== '' || url.password !== '')
    return 'must be plain, without user or wildcard'
  if (url.protocol === 'https:' || isLoopback(url)) return undefined
  if (url.protocol === 'http:') return 'must use https, but for a loopback address'
  if (clientType === 'confidential') return 'must use https'
  return privateUseScheme.test(url.protocol) ? undefined : 'must use https or a scheme such as com.example.app'
}

/** Whether the client runs on its user's device: it listens on a loopback port of the moment, or has a scheme of its own. */
export function isNative(redirectUris: readonly string[]): boolean {
  return redirectUris.some((uri) => {
    const url = URL.parse(uri)
    return url !== null && (isLoopback(url) || url.protocol !== 'https:')
  })
}

/** What a Content-Security-Policy calls the place of a redirect; a literal IPv6 address has no name there. */
export function policySourceOf(uri: string): string {
  const { protocol, host } = new URL(uri)
  return /^https?:$/.test(protocol) && !host.startsWith('[') ? `${protocol}//${host}` : protocol
}

/** A web application in development may be there; one that runs on a device is not. */
export function isLoopbackOverTls(uri: string): boolean {
  const { protocol, hostname } = new URL(uri)
  return protocol === 'https:' && loopbackHosts.has(hostname)
}

function isLoopback({ protocol, hostname }: URL): boolean {
  return protocol === 'http:' && loopbackHosts.has(hostname)
}
