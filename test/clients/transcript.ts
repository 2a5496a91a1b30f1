/** What a consumer saw: the same for every generated client. */

export interface Transcript {
  listed: string[]
  created: { name: string; email: string; version: string | null }
  got: string
  patched: string
  deleted: number
  missing: { status: number; code: 'not-found'; detail: string }
}
