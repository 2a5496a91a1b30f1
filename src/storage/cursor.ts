/** Orders and the opaque cursors that say where a page starts (keyset pagination). */

import { Problem } from '../errors.ts'
import type { Row } from './storage.ts'

export interface Order {
  property: string
  descending: boolean
}

/** Position after the last row of a page: its sort value and, because that may repeat, its id. */
export interface Position {
  afterKey: string | number
  afterId: number
}

/** Reads `name` or `-name`. */
export function parseSort(sort: string): Order {
  const descending = sort.startsWith('-')
  return { property: descending ? sort.slice(1) : sort, descending }
}

/** The cursor of the page that follows this row. */
export function encodeCursor({ property, descending }: Order, row: Row, keyOf: (value: unknown) => unknown): string {
  const fields = [`${descending ? '-' : ''}${property}`, keyOf(row[property]), row.id]
  return Buffer.from(JSON.stringify(fields)).toString('base64url')
}

/**
 * Reads a cursor back. It fits only the order that it was made in, with a key that `compares` accepts.
 *
 * @throws {Problem} `validation-failed`
 */
export function decodeCursor(
  cursor: string,
  { property, descending }: Order,
  compares: (key: unknown) => boolean,
): Position {
  try {
    const [sort, afterKey, afterId] = JSON.parse(Buffer.from(cursor, 'base64url').toString()) as unknown[]
    if (sort === `${descending ? '-' : ''}${property}` && compares(afterKey) && Number.isSafeInteger(afterId)) {
      return { afterKey: afterKey as string | number, afterId: afterId as number }
    }
  } catch {
    // Not JSON: refused below, like JSON of another shape.
  }
  throw new Problem('validation-failed', 'The query does not match its schema', {
    errors: [{ in: 'query', pointer: '/cursor', detail: 'is not a cursor of a list in this order' }],
  })
}
