/** PostgreSQL's SQLSTATE codes as the storage interface names them. */

import pg from 'pg'
import { Problem } from '../../errors.ts'
import { MigrationError } from '../migrations.ts'
import { UnexpectedRows, UniqueViolation } from '../storage.ts'

/** Serialisation failure and deadlock: the same transaction may pass when it is tried again. */
const transient = new Set(['40001', '40P01'])

export function isTransient(error: unknown): boolean {
  return error instanceof pg.DatabaseError && transient.has(error.code ?? '')
}

/** Whether the connection is gone, and with it the answer: nothing is said about the statement itself. */
export function isLost(error: unknown): boolean {
  return error instanceof pg.DatabaseError ? (error.code ?? '').startsWith('57P') : !isOurs(error)
}

/**
 * A driver's error as a {@link UniqueViolation} or a problem. Unique indexes are named
 * `<table>_<column>_unique`. What comes from the connection, not from the statement, is `unavailable`.
 */
export function translate(error: unknown): unknown {
  if (!(error instanceof pg.DatabaseError)) return isOurs(error) ? error : unavailable(error)
  const { code = '', table = '', constraint = '' } = error
  if (code === '23505') return new UniqueViolation(table, constraint.slice(table.length + 1).replace(/_unique$/, ''))
  if (code === '57014') return new Problem('timeout', 'The database took too long', { cause: error })
  // Classes 08, 53, 57: connection lost, out of resources, shutting down; 28, 3D: not let in, no such database;
  // 40: still in conflict after all attempts.
  return /^(08|53|57|28|3D|40)/.test(code) ? unavailable(error) : error
}

/** The driver has no class for a lost connection; what is left after our own errors and mistakes is one. */
function isOurs(error: unknown): boolean {
  return [UniqueViolation, UnexpectedRows, Problem, MigrationError, TypeError, RangeError].some(
    (known) => error instanceof known,
  )
}

function unavailable(cause: unknown): Problem {
  return new Problem('unavailable', 'The database cannot be reached', { cause, headers: { 'retry-after': '1' } })
}
