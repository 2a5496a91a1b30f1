/** What is sent to one target: an event, until the target has it; and who sends it. */

import type { Eventually } from '../contract/eventually.ts'
import type { LoggedEvent } from '../events/log.ts'

/** `dead` is what was given up: it stays, and can be replayed. */
export type DeliveryState = 'waiting' | 'delivered' | 'dead'

/** A delivery as who sends it gets it. */
export interface Delivery {
  id: number
  /** Kind and id: `endpoint/7`. */
  target: string
  /** Names the event, at each repeat and replay: receivers know doubles by it. */
  eventId: string
  type: string
  /** The user whom the event concerns, where others must not see it. */
  owner: number | null
  /** CloudEvents 1.0 in JSON, the same at each attempt. */
  body: string
  createdAt: string
  /** Attempts since the delivery was made or replayed, this one not counted. */
  tries: number
  /** That no other attempt follows a failure. */
  isLast: boolean
}

/** What an attempt met. */
export interface Finding {
  /** HTTP status, or what stands for it. */
  status?: number | undefined
  /** Why it failed, in words. */
  error?: string | undefined
  /** The beginning of what was answered. */
  excerpt?: string | undefined
}

/**
 * How an attempt ended. `retry`: it is made again, not before `after` (ms); given up once the schedule ends. `dead`:
 * given up now. `held`: there was none, and it does not count.
 */
export type Outcome =
  | ({ as: 'delivered' | 'dead' } & Finding)
  | ({ as: 'retry'; after?: number | undefined } & Finding)
  | { as: 'held' }

/** A target that gets a delivery for each event that it selects. */
export interface Follower {
  target: string
  /** Sequence of the event behind which it follows. */
  after: number
  selects: (event: LoggedEvent) => boolean
}

/** Who says which targets follow events now. */
export interface FollowerSource {
  followers(): Eventually<readonly Follower[]>
}

/** One kind of target, and who sends to it: WebHooks are one, each connector is one. */
export interface TargetKind {
  /** First part of the names of its targets: `endpoint` of `endpoint/7`. */
  readonly kind: string
  /** Attempts under way at once for one of its targets; as the settings say, without it. */
  readonly concurrency?: number | undefined
  /** The longest that an attempt takes, in ms; as the settings say, without it. */
  timeoutOf?(target: string): number | undefined
  /** Those of these targets that may be sent to; the deliveries of others wait. */
  open(targets: readonly string[]): Eventually<readonly string[]>
  /** Makes one attempt; what it throws is taken for a failure. To end early when the signal aborts. */
  send(delivery: Delivery, signal: AbortSignal): Promise<Outcome>
}

/** `endpoint/7` → `endpoint` */
export function kindOf(target: string): string {
  return target.slice(0, target.indexOf('/'))
}
