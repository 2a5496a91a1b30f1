/** The headers of a page: where the next one is, and whether a total is wanted. */

/** `Link` value (RFC 8288) of the same list from this cursor on. */
export function nextLink(url: string, cursor: string): string {
  const [path, query = ''] = url.split('?', 2)
  const kept = query === '' ? [] : query.split('&').filter((pair) => pair !== '' && !pair.startsWith('cursor='))
  // `>` would end the target early; a URL that a client sends may hold it raw.
  const target = [...kept, `cursor=${cursor}`].join('&').replaceAll('>', '%3E')
  return `<${path}?${target}>; rel="next"`
}

/** Whether `Prefer` asks for `count=exact` (RFC 7240). */
export function prefersCount(prefer: string | string[]): boolean {
  return [prefer].flat().some((value) => /(^|[,;\s])count\s*=\s*"?exact"?\s*($|[,;])/i.test(value))
}
