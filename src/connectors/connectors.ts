/** All connectors that the server knows: which are on, what waits for each, and why. */

import type { FastifyBaseLogger } from 'fastify'
import type { Environment } from '../config.ts'
import type { Deliveries } from '../deliveries/deliveries.ts'
import {
  type DeliveryQuery,
  type DeliveryWithHistory,
  type EventRange,
  type Replayed,
  type ShownDelivery,
  TargetDeliveries,
} from '../deliveries/target-deliveries.ts'
import { Problem } from '../errors.ts'
import type { EventLog } from '../events/log.ts'
import type { Storage } from '../storage/storage.ts'
import { type BackFill, BackFills } from './back-fills.ts'
import type { Connection, Connector, ConnectorHost, Inbound, Received } from './connector.ts'
import { ConnectorSql } from './connector-sql.ts'
import { ConnectorTarget, type Direction, directions, targetOf } from './connector-target.ts'
import { Following, selectorOf } from './following.ts'
import { missingSettings, readSettings } from './settings.ts'
import type { CollectionRecords } from './user-records.ts'

/** Ids of services' events, and their types: text that every database takes. */
const plainText = /^[\x21-\x7e]{1,255}$/

export interface ConnectorsSettings {
  engine: Storage
  deliveries: Deliveries
  eventLog: EventLog
  users: CollectionRecords
  log: FastifyBaseLogger
}

/** What waits in one direction, or was given up; counted to 10,000. */
export interface Backlog {
  waiting: number
  dead: number
  /** When the oldest that waits was made. */
  oldestWaiting: string | null
  /** What the last failure among those that wait was. */
  lastError: string | null
}

export interface ConnectorStatus {
  name: string
  title: string
  description: string
  on: boolean
  missingSettings: string[]
  types: string[]
  since: string | null
  out: Backlog
  in: Backlog
  /** The last run, where there was one. */
  backFill?: BackFill
}

interface Known {
  connector: Connector
  connection: Connection | undefined
  target: ConnectorTarget
}

export class Connectors {
  readonly following: Following
  readonly #settings: ConnectorsSettings
  readonly #known = new Map<string, Known>()
  readonly #sql: ConnectorSql
  readonly #backFills: BackFills
  readonly #ofTargets: TargetDeliveries
  readonly #env: Environment

  constructor(settings: ConnectorsSettings, env: Environment) {
    const { engine, deliveries, eventLog, users } = settings
    this.#settings = settings
    this.#env = env
    this.#sql = new ConnectorSql(engine.dialect)
    this.following = new Following(engine, this.#sql, eventLog)
    this.#backFills = new BackFills({ engine, deliveries, users, sql: this.#sql })
    this.#ofTargets = new TargetDeliveries(engine, deliveries, eventLog)
  }

  /** Connectors that are on. */
  get on(): { connector: Connector; connection: Connection }[] {
    return [...this.#known.values()].flatMap(({ connector, connection }) =>
      connection === undefined ? [] : [{ connector, connection }],
    )
  }

  /**
   * Switches a connector on where its settings are there, and says so.
   *
   * @throws {ConfigError} for settings that are wrong; {Error} for a second connector of this name.
   */
  async add(connector: Connector, host: ConnectorHost): Promise<void> {
    const { name } = connector
    const { deliveries, log } = this.#settings
    if (this.#known.has(name)) throw new Error(`two connectors are named ${name}`)
    const settings = readSettings(connector, this.#env)
    const connection = settings && (await connector.connect(settings as never, host))
    if (connection) log.info({ connector: name }, `the connector ${name} is on`)
    else
      log.info(
        { connector: name },
        `the connector ${name} is off: it needs ${missingSettings(connector, this.#env).join(', ')}`,
      )
    const target = new ConnectorTarget({
      connector,
      connection,
      backFills: this.#backFills,
      timeout: deliveries.timeout,
      onError: (err, { target, id, type }) => log.warn({ err, target, delivery: id, type }, 'a connector has failed'),
    })
    deliveries.register(target)
    this.#known.set(name, { connector, connection, target })
  }

  /** What a connector that is on does; nothing where it is off. */
  connection(name: string): Connection | undefined {
    return this.#known.get(name)?.connection
  }

  /**
   * Judges what rests on the routes, begins to follow and lets attempts be made. To be said once, when all routes are
   * registered.
   *
   * @throws {ConfigError} for settings that do not fit what the routes have declared.
   */
  async begin(): Promise<void> {
    const { log, deliveries } = this.#settings
    for (const { connection } of this.on) await connection.ready?.()
    for (const name of await this.following.begin(this.on.map(({ connector }) => connector))) {
      const hint = this.#known.get(name)?.connection?.backFill ? '; a back-fill brings over who is there' : ''
      log.info({ connector: name }, `it follows events from now on${hint}`)
    }
    for (const { target, connection } of this.#known.values()) target.isOpen = connection !== undefined
    deliveries.wake()
  }

  /** Keeps what a WebHook says, each thing once. @throws {Problem} `not-found`, and what the connector throws. */
  async receive(name: string, inbound: Inbound): Promise<void> {
    const { engine, deliveries } = this.#settings
    const { connection } = this.#get(name)
    if (connection?.receive === undefined) throw new Problem('not-found', 'The connector takes no WebHooks')
    const received = await connection.receive(inbound)
    if (received.length === 0) return
    const target = targetOf(name, 'in')
    await engine.write(received.map((each) => deliveries.insertion(target, toldOf(each))))
    deliveries.wake([target])
  }

  async list(): Promise<ConnectorStatus[]> {
    return Promise.all([...this.#known.keys()].map((name) => this.get(name)))
  }

  /** @throws {Problem} `not-found` */
  async get(name: string): Promise<ConnectorStatus> {
    const { connector, connection } = this.#get(name)
    const { title, description, types } = connector
    const since = await this.following.since(name)
    const backFill = await this.#backFills.get(name)
    return {
      name,
      title,
      description,
      on: connection !== undefined,
      missingSettings: missingSettings(connector, this.#env),
      types: [...types],
      since,
      out: await this.#backlog(targetOf(name, 'out')),
      in: await this.#backlog(targetOf(name, 'in')),
      ...(backFill && { backFill }),
    }
  }

  /** The newest first. @throws {Problem} `not-found` */
  async page(name: string, direction: Direction, query: DeliveryQuery) {
    return this.#ofTargets.page(this.#target(name, direction), query)
  }

  /** With each attempt, whatever its direction. @throws {Problem} `not-found` */
  async delivery(name: string, id: number): Promise<DeliveryWithHistory> {
    return this.#ofTargets.get(this.#targets(name), id)
  }

  /** @throws {Problem} `not-found`; `conflict` for a connector that is off, and while an attempt is under way. */
  async replay(name: string, id: number): Promise<ShownDelivery> {
    this.#connected(name)
    return this.#ofTargets.replay(this.#targets(name), id)
  }

  /** @throws {Problem} `not-found`; `conflict` for a connector that is off; `gone` for events that are not kept. */
  async replayEvents(name: string, range: EventRange): Promise<Replayed> {
    this.#connected(name)
    const { types } = this.#get(name).connector
    return this.#ofTargets.replayEvents(this.#target(name, 'out'), range, selectorOf(types))
  }

  /** @throws {Problem} `not-found`; `conflict` where it is off, brings nobody over, or a back-fill is running. */
  async startBackFill(name: string): Promise<BackFill> {
    if (this.#connected(name).backFill === undefined) throw new Problem('conflict', 'The connector brings nobody over')
    return this.#backFills.start(name)
  }

  async close(): Promise<void> {
    await Promise.all(this.on.map(({ connection }) => connection.close?.()))
  }

  #get(name: string): Known {
    const known = this.#known.get(name)
    if (known === undefined) throw new Problem('not-found', 'Connector not found')
    return known
  }

  #connected(name: string): Connection {
    const { connection } = this.#get(name)
    if (connection === undefined) throw new Problem('conflict', 'The connector is off')
    return connection
  }

  #target(name: string, direction: Direction): string {
    return targetOf(this.#get(name).connector.name, direction)
  }

  #targets(name: string): string[] {
    return directions.map((direction) => this.#target(name, direction))
  }

  async #backlog(target: string): Promise<Backlog> {
    const { engine } = this.#settings
    type Counted = { count: number; oldest: string | null }
    const waiting = await engine.first<Counted>(this.#sql.counted.waiting, { target })
    const dead = await engine.first<Counted>(this.#sql.counted.dead, { target })
    const failureOf = (state: 'waiting' | 'dead') =>
      engine.first<{ error: string }>(this.#sql.lastError[state], { target })
    const failure = (await failureOf('waiting')) ?? (await failureOf('dead'))
    return {
      waiting: Number(waiting?.count ?? 0),
      dead: Number(dead?.count ?? 0),
      oldestWaiting: waiting?.oldest ?? null,
      lastError: failure?.error ?? null,
    }
  }
}

/** @throws {Problem} `malformed-request` for an id or a type that cannot be kept. */
function toldOf({ id, type, data }: Received) {
  if (!plainText.test(id) || !plainText.test(type)) throw new Problem('malformed-request', 'The event has no good id')
  return { eventId: id, type, owner: null, text: JSON.stringify(data ?? null) }
}
