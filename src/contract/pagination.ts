/** The headers of a page: where the next one is, and whether a total is wanted. */

/** `Link` value (RFC 8288) of the same list from this cursor on, as a path: the caller knows the host. */
export function nextLink(url: string, cursor: string): string {
  const relative = url.startsWith('/') ? url : url.replace(/^[a-z]+:\/\/[^/?]*/i, '')
  const end = relative.indexOf('?')
  const path = end === -1 ? relative : relative.slice(0, end)
  const query = end === -1 ? '' : relative.slice(end + 1)
  const kept = query === '' ? [] : query.split('&').filter((pair) => pair !== '' && !pair.startsWith('cursor='))
  // `>` would end the target early; a URL that a client sends may hold it raw.
  const target = [...kept, `cursor=${cursor}`].join('&').replaceAll('>', '%3E')
  return `<${path}?${target}>; rel="next"`
}

/** Whether `Prefer` asks for `count=exact` (RFC 7240); what stands in quotes belongs to another preference. */
export function prefersCount(prefer: string | string[]): boolean {
  const preferences = [prefer]
    .flat()
    .join()
    .replace(/=\s*"exact"/gi, '=exact')
    .replace(/"[^"]*"/g, '""')
  return /(^|[,;\s])count\s*=\s*exact\s*($|[,;])/i.test(preferences)
}
