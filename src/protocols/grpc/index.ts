/** gRPC (protobuf over HTTP/2): each operation is a unary method of its tag's service. */

import type { Dispatch, Peer } from '../../contract/call.ts'
import type { Operation } from '../../contract/operation.ts'
import { problemOf } from '../../contract/problem-of.ts'
import { Problem } from '../../errors.ts'
import { type Decode, Decoders } from './decode.ts'
import { describeUnnumbered } from './describe.ts'
import { type Encode, Encoders } from './encode.ts'
import { type GrpcStatus, statusOf } from './errors.ts'
import { type Metadata, shownMetadata } from './headers.ts'
import { breakingChanges, number, readLock } from './lock.ts'
import { type Method, type ProtoFile, packageName, type Service } from './model.ts'
import { render } from './render.ts'

export interface GrpcSettings {
  dispatch: Dispatch
  contract: ReadonlyMap<string, Operation>
  /** The text of `contracts/service.proto`: numbers are taken from it. */
  lock: string
  /** Of a response that does not fit its own schema. */
  onFault: (error: unknown) => void
}

export interface Succeeded {
  /** The message with its prefix. */
  frame: Buffer
  metadata: Metadata | undefined
}

export interface Failed {
  status: GrpcStatus
  metadata: Metadata | undefined
}

/** What a call comes to, whatever carries it. */
export type Answer = Succeeded | Failed

export interface KnownMethod {
  /** `/septet.v1.UsersService/GetUser` */
  path: string
  method: Method
  operation: Operation
  decode: Decode
  encode: Encode
}

export class GrpcServer {
  /** The services as a proto3 file. */
  readonly proto: string
  /** What clients made from the lock could no longer do. */
  readonly breaking: readonly string[]
  readonly file: ProtoFile
  readonly methods: ReadonlyMap<string, KnownMethod>
  readonly #settings: GrpcSettings

  /** When every operation is known. @throws {ContractError} for what gRPC cannot say. */
  constructor(settings: GrpcSettings) {
    const { contract, lock } = settings
    const locked = readLock(lock)
    const file = describeUnnumbered(contract)
    this.breaking = breakingChanges(locked, file)
    number(file, locked)
    this.proto = render(file)
    this.file = file
    this.methods = methodsOf(file.services, contract)
    this.#settings = settings
  }

  /** Runs a method for a message. Never rejects. */
  answer(
    { operation, decode, encode }: KnownMethod,
    message: Uint8Array,
    peer: Peer,
    signal: () => AbortSignal,
  ): Promise<Answer> {
    let input: Record<string, unknown>
    try {
      input = decode(message)
    } catch (error) {
      return Promise.resolve(failure(error))
    }
    return this.#settings.dispatch({ operation, input, peer, signal, as: 'text' }).then((outcome) => {
      try {
        return { frame: encode(outcome), metadata: shownMetadata(outcome.headers) }
      } catch (error) {
        this.#settings.onFault(error)
        return failure(new Problem('internal', 'Something went wrong'))
      }
    }, failure)
  }
}

function failure(error: unknown): Failed {
  const problem = problemOf(error)
  return { status: statusOf(problem), metadata: shownMetadata(problem.headers) }
}

function methodsOf(
  services: readonly Service[],
  contract: ReadonlyMap<string, Operation>,
): ReadonlyMap<string, KnownMethod> {
  const decoders = new Decoders()
  const encoders = new Encoders()
  const methods = new Map<string, KnownMethod>()
  for (const { name, methods: own } of services) {
    for (const method of own) {
      const path = `/${packageName}.${name}/${method.name}`
      const operation = contract.get(method.operationId) as Operation
      methods.set(path, {
        path,
        method,
        operation,
        decode: decoders.of(method.request),
        encode: encoders.of(method),
      })
    }
  }
  return methods
}
