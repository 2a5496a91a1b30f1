/** The deliveries of endpoints as their owners see them: what was attempted, what was given up, and once more from the log. */

import { randomUUID } from 'node:crypto'
import type { Principal } from '../../contract/principal.ts'
import type { Deliveries } from '../../deliveries/deliveries.ts'
import type {
  DeliveryQuery,
  DeliveryWithHistory,
  EventRange,
  Replayed,
  ShownDelivery,
  TargetDeliveries,
} from '../../deliveries/target-deliveries.ts'
import { Problem } from '../../errors.ts'
import type { Storage } from '../../storage/storage.ts'
import type { EndpointRow } from './endpoint-sql.ts'
import { type EndpointTargets, targetOf } from './endpoint-targets.ts'
import { type Endpoints, refuseWider } from './endpoints.ts'
import { endpointTested } from './events.ts'

export interface EndpointDeliverySettings {
  engine: Storage
  endpoints: Endpoints
  targets: EndpointTargets
  deliveries: Deliveries
  ofTargets: TargetDeliveries
  source: () => string
}

export class EndpointDeliveries {
  readonly #settings: EndpointDeliverySettings

  constructor(settings: EndpointDeliverySettings) {
    this.#settings = settings
  }

  /** Sends an event that tells nothing. @throws {Problem} `not-found`; `forbidden`; `conflict` for a disabled endpoint. */
  async test(id: number, principal: Principal): Promise<ShownDelivery> {
    const { engine, deliveries, ofTargets, source } = this.#settings
    await this.#writable(id, principal)
    const eventId = randomUUID()
    const text = JSON.stringify({
      specversion: '1.0',
      id: eventId,
      source: source(),
      type: endpointTested.type,
      subject: `/webhooks/${id}`,
      time: new Date().toISOString(),
      datacontenttype: 'application/json',
      data: { id },
    })
    const target = targetOf(id)
    await engine.write([deliveries.insertion(target, { eventId, type: endpointTested.type, owner: null, text })])
    const delivery = await ofTargets.ofEvent(target, eventId)
    deliveries.wake([target])
    return delivery as ShownDelivery
  }

  /** The newest first. @throws {Problem} `not-found` */
  async page(
    id: number,
    query: DeliveryQuery,
    principal: Principal,
  ): Promise<{ items: ShownDelivery[]; next: string | undefined }> {
    await this.#settings.endpoints.visible(id, principal)
    return this.#settings.ofTargets.page(targetOf(id), query)
  }

  /** With each attempt. @throws {Problem} `not-found` */
  async get(id: number, deliveryId: number, principal: Principal): Promise<DeliveryWithHistory> {
    await this.#settings.endpoints.visible(id, principal)
    return this.#settings.ofTargets.get([targetOf(id)], deliveryId)
  }

  /**
   * Attempts a delivery now, and from the beginning of the schedule, whether it has succeeded, was given up or waits.
   *
   * @throws {Problem} `not-found`; `forbidden`; `conflict` for a disabled endpoint, and while an attempt is under way.
   */
  async replay(id: number, deliveryId: number, principal: Principal): Promise<ShownDelivery> {
    await this.#writable(id, principal)
    return this.#settings.ofTargets.replay([targetOf(id)], deliveryId)
  }

  /**
   * Sends events of the log again, or for the first time: those that the endpoint selects and may get.
   *
   * @throws {Problem} `not-found`; `forbidden`; `conflict` for a disabled endpoint; `gone` for events that are not kept.
   */
  async replayEvents(id: number, range: EventRange, principal: Principal): Promise<Replayed> {
    const { targets, ofTargets } = this.#settings
    const row = await this.#writable(id, principal)
    return ofTargets.replayEvents(targetOf(id), range, await targets.selects(row))
  }

  /** Forgets the deliveries of an endpoint that is gone. */
  drop(id: number): Promise<void> {
    return this.#settings.ofTargets.drop(targetOf(id))
  }

  async #writable(id: number, principal: Principal): Promise<EndpointRow> {
    const row = await this.#settings.endpoints.visible(id, principal)
    refuseWider(principal, row)
    if (row.disabledAt !== null) throw new Problem('conflict', 'The endpoint is disabled')
    return row
  }
}
