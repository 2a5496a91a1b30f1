/** The placement of every operation, compiled when all routes are known. */

import type { RouteOptions } from 'fastify'
import FindMyWay, { type HTTPMethod } from 'find-my-way'
import type { Operation } from './operation.ts'
import { type LeadsTo, Placement } from './placement.ts'

export class Placements {
  readonly #router = FindMyWay()
  readonly #known = new Map<Operation, Placement>()

  /** Takes note of any route, hidden ones too: a path that leads to one leads to no operation. */
  add({ method, url, constraints }: RouteOptions, operation: Operation | undefined): void {
    // What hangs on a header besides is not told by its path.
    if (constraints !== undefined && Object.keys(constraints).length > 0) return
    this.#router.on([method].flat() as HTTPMethod[], url, () => {}, operation)
  }

  /** @throws {ContractError} for an operation that no path of its own leads to. */
  compile(operations: Iterable<Operation>): void {
    const leadsTo: LeadsTo = (operation, path) =>
      this.#router.find(operation.method as HTTPMethod, path)?.store === operation
    for (const operation of operations) this.#known.set(operation, new Placement(operation, leadsTo))
  }

  readonly of = (operation: Operation): Placement | undefined => this.#known.get(operation)
}
