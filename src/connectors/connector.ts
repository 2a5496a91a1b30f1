/**
 * A connector joins the server with another service: it follows events, and takes that service's WebHooks. Each is one
 * file in `src/integrations/`, or the `index.ts` of a folder there, with the connector as its default export.
 */

import type { Static, TObject } from '@sinclair/typebox'
import type { FastifyBaseLogger } from 'fastify'
import type { Notices } from '../auth/notices.ts'
import type { Eventually } from '../contract/eventually.ts'
import type { Deliveries } from '../deliveries/deliveries.ts'
import type { Outcome } from '../deliveries/delivery.ts'
import type { Migration } from '../schemas/collection.ts'
import type { EventType } from '../schemas/event.ts'
import type { Store } from '../storage/store.ts'

export interface Connector<Settings extends TObject = TObject> {
  /** Kebab-case. Names its address, its deliveries and its metrics: never changed. */
  readonly name: string
  /** What people call the service. */
  readonly title: string
  /** What it does, a sentence. */
  readonly description: string
  /**
   * Variables of the environment, each with an example and a description. The connector is on when one of the required
   * ones is set; then all must be good. Values of variables whose names end in `_KEY`, `_SECRET`, `_TOKEN`, `_PASSWORD`
   * or `_URL` are never repeated in a message.
   */
  readonly settings: Settings
  /** Types of events that it follows: `user.created`, `user.*`. */
  readonly types: readonly string[]
  /** Of the events that it emits itself; those of collections declare themselves. */
  readonly events?: readonly EventType[]
  /** Its tables; they are made when it is on. */
  readonly migrations?: readonly Migration[]
  /** Attempts under way at once; 8 unless said otherwise. */
  readonly concurrency?: number
  /** The longest that an attempt takes, in ms; `WEBHOOK_TIMEOUT` unless said otherwise. */
  readonly timeout?: number
  /**
   * Called once at start, when it is on; routes are not registered yet. It asks nothing of the service: that may be down.
   *
   * @throws {ConfigError} for settings that do not go together.
   */
  connect(settings: Static<Settings>, host: ConnectorHost): Eventually<Connection>
}

/** What the server does for a connector. */
export interface ConnectorHost {
  readonly storage: Store
  readonly log: FastifyBaseLogger
  readonly notices: Notices
  readonly deliveries: Deliveries
  /** Users as they are now. */
  readonly users: UserRecords
  /** Seals and opens what is kept at rest. */
  readonly secrets: { seal(purpose: string, text: string): string; open(purpose: string, sealed: string): string }
  /** Where clients reach the server, without a path. */
  readonly publicUrl: () => string
  readonly isProduction: boolean
}

export interface UserRecords {
  /** Names of every property; known once routes are registered. */
  readonly properties: readonly string[]
  /** Every property of the user, those of the resource and `id`, `createdAt` and `updatedAt`; nothing where it is gone. */
  get(id: number): Eventually<UserRecord | undefined>
  /** Behind an id, in the order of ids. */
  behind(id: number, limit: number): Eventually<UserRecord[]>
}

export interface UserRecord {
  readonly id: number
  readonly name: string
  readonly email: string
  readonly createdAt: string
  readonly updatedAt: string
  readonly [property: string]: unknown
}

/** An event that a connector follows (CloudEvents 1.0). */
export interface ConnectorEvent {
  readonly id: string
  readonly type: string
  /** `/users/7` */
  readonly subject: string
  readonly time: string
  readonly data: Readonly<Record<string, unknown>>
  /** The user whom it concerns. */
  readonly owner: number | null
  /** That no other attempt follows a failure. */
  readonly isLast: boolean
}

/** A WebHook of the service, as it came. */
export interface Inbound {
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  /** Up to 1 MiB, not parsed: signatures are of bytes. */
  readonly body: Buffer
}

/** What a WebHook says: kept, and handled until that has succeeded. */
export interface Received {
  /** Of the service's event. A second one with the same id changes nothing, for as long as events are kept. */
  readonly id: string
  readonly type: string
  /** Handed on to `handle`. */
  readonly data: unknown
}

/** Users that could not be brought over, and why. */
export interface BackFilled {
  readonly failed: readonly { readonly id: number; readonly error: string }[]
}

/**
 * A connector at work. What it does may be done twice, or be cut off in the middle: after a crash or a time-out an event
 * comes again, events of one subject come in any order, and several processes send. So it brings the service to what the
 * subject is now (`settled` of `settle.ts`), under a key that the service knows doubles by.
 */
export interface Connection {
  /**
   * Called when all routes are registered, before the server listens: what users look like is known.
   *
   * @throws {ConfigError} for settings that do not fit them.
   */
  ready?(): Eventually<void>
  /** One attempt; what it throws is a failure, made again by the schedule. */
  send(event: ConnectorEvent, signal: AbortSignal): Promise<Outcome>
  /**
   * Verifies a WebHook of the service. It is answered when what is given here is kept.
   *
   * @throws {Problem} `unauthenticated` for a signature that is not good; `malformed-request`.
   */
  receive?(inbound: Inbound): Eventually<readonly Received[]>
  /** One attempt to do what a WebHook asks for; as {@link send}. */
  handle?(received: Received, signal: AbortSignal): Promise<Outcome>
  /** Brings users over that were there before the connector was: `size` at once, in the order of ids. */
  readonly backFill?: {
    readonly size: number
    users(users: readonly UserRecord[], signal: AbortSignal): Promise<BackFilled>
  }
  close?(): Eventually<void>
}
