/** gRPC (protobuf over HTTP/2): each operation is a unary method of its tag's service, a live one a stream beside it. */

import type { Dispatch, Peer } from '../../contract/call.ts'
import type { Operation } from '../../contract/operation.ts'
import { problemOf } from '../../contract/problem-of.ts'
import { openStream, parsedOf } from '../../contract/stream.ts'
import { Problem } from '../../errors.ts'
import { type Decode, Decoders } from './decode.ts'
import { describeUnnumbered } from './describe.ts'
import { type Encode, Encoders } from './encode.ts'
import { type GrpcStatus, statusOf } from './errors.ts'
import { type Metadata, shownMetadata } from './headers.ts'
import { KeptFrames } from './kept-frames.ts'
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
  /** Bytes of messages that may be kept. */
  keep: number
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

export interface KnownStream extends Omit<KnownMethod, 'encode'> {
  encode: (value: unknown) => Uint8Array
}

export class GrpcServer {
  /** The services as a proto3 file. */
  readonly proto: string
  /** What clients made from the lock could no longer do. */
  readonly breaking: readonly string[]
  readonly file: ProtoFile
  readonly methods: ReadonlyMap<string, KnownMethod>
  readonly streams: ReadonlyMap<string, KnownStream>
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
    const { methods, streams } = knownOf(file.services, contract, new KeptFrames(settings.keep))
    this.methods = methods
    this.streams = streams
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

  /** What a live operation tells. It ends with the signal. @throws {Problem} */
  async *follow(
    { operation, decode, encode }: KnownStream,
    message: Uint8Array,
    peer: Peer,
    signal: AbortSignal,
  ): AsyncGenerator<Uint8Array> {
    const call = { operation, input: decode(message), peer, signal }
    const stream = await openStream(this.#settings.dispatch, call)
    for await (const { items } of stream.parts(signal)) {
      for (const item of items) yield encode(parsedOf(item))
    }
  }
}

function failure(error: unknown): Failed {
  const problem = problemOf(error)
  return { status: statusOf(problem), metadata: shownMetadata(problem.headers) }
}

interface KnownMethods {
  methods: ReadonlyMap<string, KnownMethod>
  streams: ReadonlyMap<string, KnownStream>
}

function knownOf(
  services: readonly Service[],
  contract: ReadonlyMap<string, Operation>,
  kept: KeptFrames,
): KnownMethods {
  const decoders = new Decoders()
  const encoders = new Encoders(kept)
  const methods = new Map<string, KnownMethod>()
  const streams = new Map<string, KnownStream>()
  for (const { name, methods: own } of services) {
    for (const method of own) {
      const path = `/${packageName}.${name}/${method.name}`
      const operation = contract.get(method.operationId) as Operation
      const known = { path, method, operation, decode: decoders.of(method.request) }
      if (method.streams) streams.set(path, { ...known, encode: encoders.ofItem(method) })
      else methods.set(path, { ...known, encode: encoders.of(method) })
    }
  }
  return { methods, streams }
}
