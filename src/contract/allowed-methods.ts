/** Which methods a path answers, for 405 (RFC 9110 section 15.5.6). */

import FindMyWay, { type HTTPMethod } from 'find-my-way'

/** Knows every route by pattern; asked only where Fastify found none. */
export class AllowedMethods {
  readonly #methods = new Map<string, Set<string>>()
  #router: FindMyWay.Instance<FindMyWay.HTTPVersion.V1> | undefined

  add(url: string, methods: string | readonly string[]): void {
    const known = this.#methods.get(url) ?? new Set()
    for (const method of [methods].flat()) known.add(method)
    this.#methods.set(url, known)
    this.#router = undefined
  }

  /** The methods of a path without its query, `OPTIONS` among them; empty where no route has this path. */
  of(path: string): string[] {
    this.#router ??= this.#build()
    const route = this.#router.find('GET', path)
    return (route?.store as string[] | undefined) ?? []
  }

  #build(): FindMyWay.Instance<FindMyWay.HTTPVersion.V1> {
    const router = FindMyWay()
    for (const [url, methods] of this.#methods) {
      if (url === '*' || url === '/*') continue
      router.on('GET' satisfies HTTPMethod, url, () => {}, [...methods, 'OPTIONS'].sort())
    }
    return router
  }
}
