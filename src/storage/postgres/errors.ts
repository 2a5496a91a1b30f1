/** PostgreSQL's SQLSTATE codes as the storage interface names them. */

import pg from 'pg'
import { Problem } from '../../errors.ts'
import { UniqueViolation } from '../storage.ts'

/** Serialisation failure and deadlock: the same transaction may pass when it is tried again. */
const transient = new Set(['40001', '40P01'])

export function isTransient(error: unknown): boolean {
  return error instanceof pg.DatabaseError && transient.has(error.code ?? '')
}

/**
 * A driver's error as a {@link UniqueViolation} or a problem. Unique indexes are named
 * `<table>_<column>_unique`. What comes from the connection, not from the statement, is `unavailable`.
 */
export function translate(error: unknown): unknown {
  if (error instanceof UniqueViolation || error instanceof Problem) return error
  if (!(error instanceof pg.DatabaseError)) return unavailable(error)
  const { code = '', table = '', constraint = '' } = error
  if (code === '23505') return new UniqueViolation(table, constraint.slice(table.length + 1).replace(/_unique$/, ''))
  if (code === '57014') return new Problem('timeout', 'The database took too long', { cause: error })
  // Classes 08, 53, 57: connection lost, out of resources, shutting down; 40: still in conflict after all attempts.
  return /^(08|53|57|40)/.test(code) ? unavailable(error) : error
}

function unavailable(cause: unknown): Problem {
  return new Problem('unavailable', 'The database cannot be reached', { cause, headers: { 'retry-after': '1' } })
}
