/** The longest wait that a service may ask for, in ms. */
const longestWait = 86_400_000

/** `Retry-After` in ms (RFC 9110 section 10.2.3): seconds, or a moment; a day at most. Nothing for what is neither. */
export function waitOf(retryAfter: string | undefined): number | undefined {
  if (retryAfter === undefined) return undefined
  const wait = /^\d{1,9}$/.test(retryAfter) ? Number(retryAfter) * 1000 : Date.parse(retryAfter) - Date.now()
  return Number.isNaN(wait) ? undefined : Math.min(Math.max(wait, 0), longestWait)
}
