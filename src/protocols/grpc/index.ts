/** gRPC (protobuf over HTTP/2): each operation is a unary method of its tag's service. */

import type { Operation } from '../../contract/operation.ts'
import { describeUnnumbered } from './describe.ts'
import { breakingChanges, number, readLock } from './lock.ts'
import { render } from './render.ts'

export interface GrpcSettings {
  contract: ReadonlyMap<string, Operation>
  /** The text of `contracts/service.proto`: numbers are taken from it. */
  lock: string
}

export class GrpcServer {
  /** The services as a proto3 file. */
  readonly proto: string
  /** What clients made from the lock could no longer do. */
  readonly breaking: readonly string[]

  /** When every operation is known. @throws {ContractError} for what gRPC cannot say. */
  constructor({ contract, lock }: GrpcSettings) {
    const locked = readLock(lock)
    const file = describeUnnumbered(contract)
    this.breaking = breakingChanges(locked, file)
    number(file, locked)
    this.proto = render(file)
  }
}
