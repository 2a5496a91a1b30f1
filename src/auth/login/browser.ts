/** The browser that begins a login, known by a cookie: nobody else's can finish it (login CSRF, RFC 6749 section 10.12). */

import { randomBytes } from 'node:crypto'

/** As long as a login may take, in seconds. */
const maxAge = 600
const valueForm = /^[\w-]{43}$/

/** What the cookie holds; nothing when there is none of ours. `origin` is the server's. */
export function readBrowser(header: string | undefined, origin: string): string | undefined {
  const name = `${nameOf(origin)}=`
  const values = (header ?? '')
    .split(';')
    .map((pair) => pair.trim())
    .filter((pair) => pair.startsWith(name))
    .map((pair) => pair.slice(name.length))
  // Of two cookies with this name, one was planted.
  const [value = '', ...others] = values
  return others.length === 0 && valueForm.test(value) ? value : undefined
}

export function newBrowser(): string {
  return randomBytes(32).toString('base64url')
}

/**
 * The `Set-Cookie` header. Over TLS the name begins with `__Host-` (RFC 6265bis section 4.1.3.2): no sibling domain can
 * plant the cookie; that asks for the path `/`.
 */
export function browserCookie(value: string, origin: string): string {
  const scope = isSecure(origin) ? 'Path=/; Secure' : 'Path=/auth'
  return `${nameOf(origin)}=${value}; ${scope}; HttpOnly; SameSite=Lax; Max-Age=${maxAge}`
}

function nameOf(origin: string): string {
  return isSecure(origin) ? '__Host-septet-login' : 'septet-login'
}

function isSecure(origin: string): boolean {
  return origin.startsWith('https:')
}
