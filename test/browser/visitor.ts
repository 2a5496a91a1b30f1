/** A browser without a screen: it keeps cookies, and goes where it is sent. */

interface Cookie {
  host: string
  path: string
  name: string
  value: string
}

/** What a visitor got, and where. */
export interface Visit {
  url: URL
  status: number
  headers: Headers
  body: string
}

const mostRedirects = 20

export class Visitor {
  readonly cookies: Cookie[] = []

  /** One request, redirects not followed. */
  async ask(url: string | URL, init: RequestInit = {}): Promise<Visit> {
    const target = new URL(url)
    const headers = new Headers(init.headers)
    const cookie = this.#cookiesFor(target)
    if (cookie !== '') headers.set('cookie', cookie)
    const response = await fetch(target, { ...init, headers, redirect: 'manual' })
    for (const line of response.headers.getSetCookie()) this.#keep(target, line)
    return { url: target, status: response.status, headers: response.headers, body: await response.text() }
  }

  /** Goes on while it is redirected; stops before a page that `stop` names, and gives the redirect to it. */
  async follow(visit: Visit, stop: (url: URL) => boolean = () => false): Promise<Visit> {
    let last = visit
    for (let count = 0; count < mostRedirects; count++) {
      const next = locationOf(last)
      if (next === undefined || stop(next)) return last
      last = await this.ask(next)
    }
    throw new Error(`redirected more than ${mostRedirects} times`)
  }

  /** Fills the form of the page that it got. */
  submit({ url }: Visit, fields: Record<string, string>): Promise<Visit> {
    return this.ask(url, { method: 'POST', body: new URLSearchParams(fields) })
  }

  #cookiesFor({ hostname, pathname }: URL): string {
    return this.cookies
      .filter(({ host, path }) => host === hostname && covers(path, pathname))
      .map(({ name, value }) => `${name}=${value}`)
      .join('; ')
  }

  #keep({ hostname }: URL, line: string): void {
    const [pair = '', ...attributes] = line.split(';').map((part) => part.trim())
    const attribute = (name: string) =>
      attributes.find((part) => part.toLowerCase().startsWith(`${name}=`))?.slice(name.length + 1)
    const path = attribute('path') ?? '/'
    const at = pair.indexOf('=')
    const cookie = { host: hostname, path, name: pair.slice(0, at), value: pair.slice(at + 1) }
    const same = this.cookies.findIndex(
      ({ host, path, name }) => host === cookie.host && path === cookie.path && name === cookie.name,
    )
    if (same >= 0) this.cookies.splice(same, 1)
    const expires = attribute('expires')
    if (expires === undefined || Date.parse(expires) > Date.now()) this.cookies.push(cookie)
  }
}

/** Where an answer sends the browser. */
export function locationOf({ url, status, headers }: Visit): URL | undefined {
  const location = headers.get('location')
  return status >= 300 && status < 400 && location !== null ? new URL(location, url) : undefined
}

/** RFC 6265 section 5.1.4. */
function covers(path: string, pathname: string): boolean {
  return pathname === path || pathname.startsWith(path.endsWith('/') ? path : `${path}/`)
}
