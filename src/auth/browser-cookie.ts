/** A browser known by a cookie: nobody else's can finish what it has begun (login CSRF, RFC 6749 section 10.12). */

import { randomBytes } from 'node:crypto'

const valueForm = /^[\w-]{43}$/

export interface BrowserCookieOptions {
  name: string
  /** Where it is sent to, without TLS. */
  path: string
  /** In s. */
  maxAge: number
}

/**
 * Over TLS the name begins with `__Host-` (RFC 6265bis section 4.1.3.2): no sibling domain can plant the cookie; that
 * asks for the path `/`. An `origin` is the server's.
 */
export class BrowserCookie {
  readonly #options: BrowserCookieOptions

  constructor(options: BrowserCookieOptions) {
    this.#options = options
  }

  /** What the cookie holds; nothing when there is none of ours. */
  read(header: string | undefined, origin: string): string | undefined {
    const name = `${this.#nameOf(origin)}=`
    const values = (header ?? '')
      .split(';')
      .map((pair) => pair.trim())
      .filter((pair) => pair.startsWith(name))
      .map((pair) => pair.slice(name.length))
    // Of two cookies with this name, one was planted.
    const [value = '', ...others] = values
    return others.length === 0 && valueForm.test(value) ? value : undefined
  }

  /** The `Set-Cookie` header. */
  line(value: string, origin: string): string {
    const { path, maxAge } = this.#options
    const scope = isSecure(origin) ? 'Path=/; Secure' : `Path=${path}`
    return `${this.#nameOf(origin)}=${value}; ${scope}; HttpOnly; SameSite=Lax; Max-Age=${maxAge}`
  }

  #nameOf(origin: string): string {
    const { name } = this.#options
    return isSecure(origin) ? `__Host-${name}` : name
  }
}

/** 256 bits. */
export function newBrowser(): string {
  return randomBytes(32).toString('base64url')
}

function isSecure(origin: string): boolean {
  return origin.startsWith('https:')
}
