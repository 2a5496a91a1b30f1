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
}
