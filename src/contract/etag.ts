/** Entity tags and the preconditions on them (RFC 9110 sections 8.8.3 and 13.1). */

import { Problem } from '../errors.ts'

/** The strong tag of one version of a resource. */
export function etagOf(version: number): string {
  return `"${version}"`
}

/** Whether `If-None-Match` names the tag, by weak comparison (RFC 9110 section 13.1.2). */
export function matchesWeakly(header: string, etag: string): boolean {
  if (header === etag) return true
  return header.trim() === '*' || tagsOf(header).some((tag) => tag.replace(/^W\//, '') === etag)
}

/**
 * The versions that `If-Match` allows, by strong comparison (RFC 9110 section 13.1.1): `'any'` for `*`,
 * else those named by tags of ours. Weak and foreign tags match nothing.
 */
export function versionsOf(header: string): 'any' | number[] {
  if (header.trim() === '*') return 'any'
  return tagsOf(header)
    .flatMap((tag) => /^"(\d{1,15})"$/.exec(tag)?.[1] ?? [])
    .map(Number)
}

function tagsOf(header: string): string[] {
  return header.match(/(?:W\/)?"[^"]*"/g) ?? []
}

export function preconditionFailed(): Problem {
  return new Problem('precondition-failed', 'The resource has changed since the version that If-Match names')
}
