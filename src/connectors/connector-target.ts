/** A connector as a kind of target of deliveries: events go `out`, WebHooks come `in`, and users are brought over by the page. */

import type { Delivery, Outcome, TargetKind } from '../deliveries/delivery.ts'
import { type BackFills, errorText } from './back-fills.ts'
import type { Connection, Connector, ConnectorEvent } from './connector.ts'

export const directions = ['out', 'in', 'back-fill'] as const
export type Direction = (typeof directions)[number]

/** Attempts under way at once, unless the connector says otherwise. */
const usualConcurrency = 8
/** For a page of a back-fill, in ms: services take jobs, and are asked how far they are. */
const longestPage = 600_000

export interface TargetSettings {
  connector: Connector
  /** Nothing in a process that does not have the connector on; another may. */
  connection: Connection | undefined
  backFills: BackFills
  /** The longest that an attempt takes, in ms. */
  timeout: number
  onError: (error: unknown, delivery: Delivery) => void
}

export class ConnectorTarget implements TargetKind {
  readonly #settings: TargetSettings
  /** Whether attempts may be made: not before the connector is ready. */
  isOpen = false

  constructor(settings: TargetSettings) {
    this.#settings = settings
  }

  get kind(): string {
    return this.#settings.connector.name
  }

  get concurrency(): number {
    return this.#settings.connector.concurrency ?? usualConcurrency
  }

  timeoutOf(target: string): number {
    const { connector, timeout } = this.#settings
    return directionOf(target) === 'back-fill' ? longestPage : (connector.timeout ?? timeout)
  }

  open(targets: readonly string[]): readonly string[] {
    return this.isOpen ? targets : []
  }

  /** What is thrown is told to who operates the server, with its reason. */
  async send(delivery: Delivery, signal: AbortSignal): Promise<Outcome> {
    const { connection, onError } = this.#settings
    if (connection === undefined || !this.isOpen) return { as: 'held' }
    const ended = AbortSignal.any([signal, AbortSignal.timeout(this.timeoutOf(delivery.target))])
    try {
      return await Promise.race([this.#attempt(connection, delivery, ended), cutOff(ended)])
    } catch (error) {
      onError(error, delivery)
      return { as: 'retry', error: errorText(error) }
    }
  }

  async #attempt(connection: Connection, delivery: Delivery, signal: AbortSignal): Promise<Outcome> {
    const { backFills } = this.#settings
    const direction = directionOf(delivery.target)
    if (direction === 'out') return connection.send(eventOf(delivery), signal)
    if (direction === 'in' && connection.handle) {
      const { eventId, type, body } = delivery
      return connection.handle({ id: eventId, type, data: JSON.parse(body) }, signal)
    }
    if (direction === 'back-fill' && connection.backFill) {
      return backFills.step(this.kind, delivery, connection.backFill, signal)
    }
    return { as: 'dead', error: 'The connector does not take these any more' }
  }
}

export function targetOf(name: string, direction: Direction): string {
  return `${name}/${direction}`
}

function directionOf(target: string): string {
  return target.slice(target.indexOf('/') + 1)
}

function eventOf({ body, owner, isLast }: Delivery): ConnectorEvent {
  const event = JSON.parse(body) as Omit<ConnectorEvent, 'owner' | 'isLast'>
  return { ...event, owner, isLast }
}

/** An attempt that does not heed its signal must not hold its slot. */
function cutOff(signal: AbortSignal): Promise<Outcome> {
  const outcome: Outcome = { as: 'retry', error: 'There was no answer in time' }
  return new Promise((resolve) => {
    if (signal.aborted) resolve(outcome)
    signal.addEventListener('abort', () => resolve(outcome), { once: true })
  })
}
