/** A case, and short ways to write one. */

import type { Headers, Input, Result } from '../clients/client.ts'

export interface Step {
  operationId: string
  input?: Input
  headers?: Headers | ((keys: Keys) => Headers)
  /** What the answer must be beside that of REST: `t.match` by pattern, with lists as long as they are here. */
  expect: object
  /** Of wires, by name or all `others` than REST, that answer otherwise: why, and what instead. */
  differs?: Readonly<Record<string, { reason: string; expect: object }>>
}

/** Credentials that a step can send. */
export interface Keys {
  admin: string
  /** For `posts:read` alone. */
  readOnly: string
  revoked: string
  expired: string
  /** Replaced by a rotation without overlap, and with one. */
  replaced: string
  overlapping: string
  /** What replaced the first. */
  renewed: string
}

/**
 * One step, or several whose later ones are made from the results of those before. Each wire runs all cases in their
 * order on a server of its own, so that a case makes what it changes, and finds it by results, not by numbers.
 */
export interface Case {
  name: string
  steps: readonly (Step | ((results: readonly Result[]) => Step))[]
  /** Of a server that needs others, as in the environment. */
  settings?: Readonly<Record<string, string>>
}

export function one(
  name: string,
  operationId: string,
  input: Input,
  expect: object,
  headers?: Step['headers'],
  differs?: Step['differs'],
): Case {
  return { name, steps: [{ operationId, input, expect, ...(headers && { headers }), ...(differs && { differs }) }] }
}

export function several(name: string, ...steps: Case['steps']): Case {
  return { name, steps }
}

export function failed(code: string, status: number, more: object = {}): object {
  return { problem: { code, status, ...more } }
}

/** `validation-failed`, at these pointers in their order; anywhere, without any. */
export function invalid(...pointers: string[]): object {
  return failed('validation-failed', 400, pointers.length > 0 ? { pointers } : {})
}

/** As {@link invalid}, with what is said of each. */
export function violating(...violations: [where: string, pointer: string, detail: string][]): object {
  const listed = violations.map(([where, pointer, detail]) => ({ in: where, pointer, detail }))
  return failed('validation-failed', 400, { violations: listed })
}

/** Of what a step has made. */
export function idOf(results: readonly Result[], step = 0): number {
  const { id } = (results[step]?.value ?? {}) as { id?: number }
  return id ?? 0
}

/** Where the last page leads; a text that is no cursor, where it leads nowhere. */
export function cursorOf(results: readonly Result[]): string {
  const { nextCursor } = (results.at(-1)?.value ?? {}) as { nextCursor?: string }
  return nextCursor ?? '-'
}

export function asAdmin({ admin }: Keys): Headers {
  return { 'x-api-key': admin }
}
