/** How an event is declared, beside the operations that emit it. */

import type { TObject } from '@sinclair/typebox'

/** A kind of event. Its data is a view of the row that it is about. */
export interface EventType<Data extends TObject = TObject> {
  /** Dotted, lower case: `user.created`. Never renamed or reused. */
  readonly type: string
  readonly description: string
  readonly data: Data
  /** The scope that a principal needs to see it. */
  readonly scope: string
}

/** The events of a collection: each change to a row emits one, in its own transaction. */
export interface RowEvents {
  /** Where the rows are, such as `/users`: the subject of an event is `/users/7`. */
  readonly path: string
  readonly created?: EventType
  readonly updated?: EventType
  /** Its data is the row as it was. */
  readonly deleted?: EventType
  /** Property that holds the id of the user whom a row concerns, where others must not see its events. */
  readonly owner?: string
}

type Change = 'created' | 'updated' | 'deleted'

/**
 * The events of rows that come, change and go: `post.created`, `post.updated` and `post.deleted`, or fewer.
 *
 * @param path Where the rows are, such as `/posts`.
 * @param seen What is told of a row, and the scope that it takes to see that.
 */
export function eventsOf(
  noun: string,
  path: string,
  seen: Pick<EventType, 'data' | 'scope'>,
  changes: readonly Change[] = ['created', 'updated', 'deleted'],
): RowEvents {
  const told = { created: 'was created.', updated: 'was changed; as it is now.', deleted: 'was deleted; as it was.' }
  const events = changes.map((change) => {
    return [change, { type: `${noun}.${change}`, description: `A ${noun} ${told[change]}`, ...seen }] as const
  })
  return { path, ...Object.fromEntries(events) }
}
