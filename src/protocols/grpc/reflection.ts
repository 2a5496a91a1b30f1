/** Server reflection, v1 and v1alpha, which differ in their name alone (grpc/reflection/v1/reflection.proto). */

import protobuf from 'protobufjs/minimal.js'
import { type FileSpec, fileDescriptor, fileSpec, type MessageSpec } from './descriptor.ts'
import { knownFiles } from './known-files.ts'
import type { ProtoFile } from './model.ts'
import { encodeNode, type Node } from './node.ts'
import { readText, within } from './wire.ts'

/** Of google.rpc.Code. */
const notFound = 5
const unimplemented = 12
const text = 2

export class Reflection {
  readonly #files = new Map<string, FileSpec>()
  readonly #symbols = new Map<string, FileSpec>()
  readonly #encoded = new Map<string, Buffer>()
  readonly #services: string[]

  constructor(file: ProtoFile) {
    for (const spec of [fileSpec(file), ...knownFiles]) {
      this.#files.set(spec.name, spec)
      for (const name of symbolsOf(spec)) this.#symbols.set(name, spec)
    }
    this.#services = [...this.#files.values()]
      .flatMap(({ package: name, services = [] }) => services.map((service) => `${name}.${nameOf(service)}`))
      .sort()
  }

  /** The answer to a request. @throws {Problem} `malformed-request` */
  answer(request: Buffer): Buffer {
    const { kind, name, host } = readRequest(request)
    return encodeNode([[1, host], [2, request], this.#response(kind, name)])
  }

  #response(kind: number, name: string): Node[number] {
    switch (kind) {
      case 3:
        return this.#fileResponse(this.#files.get(name), name)
      case 4:
        return this.#fileResponse(this.#symbols.get(name), name)
      // There are no extensions in proto3.
      case 5:
      case 6:
        return failure(notFound, 'there are no extensions')
      case 7:
        return [6, this.#services.map((service) => [1, [[1, service]]] as const)]
      default:
        return failure(unimplemented, 'this is not asked for')
    }
  }

  #fileResponse(spec: FileSpec | undefined, name: string): Node[number] {
    if (spec === undefined) return failure(notFound, `${name} is not known`)
    const all = [spec, ...(spec.dependencies ?? []).flatMap((each) => this.#files.get(each) ?? [])]
    return [4, all.map((each) => [1, this.#descriptor(each)] as const)]
  }

  #descriptor(spec: FileSpec): Buffer {
    const known = this.#encoded.get(spec.name)
    if (known) return known
    const made = fileDescriptor(spec)
    this.#encoded.set(spec.name, made)
    return made
  }
}

function failure(code: number, message: string): Node[number] {
  return [
    7,
    [
      [1, code],
      [2, message],
    ],
  ]
}

function readRequest(request: Buffer): { kind: number; name: string; host: string } {
  const reader = protobuf.Reader.create(request)
  const read = { kind: 0, name: '', host: '' }
  within(reader, request.length, (tag) => {
    if ((tag & 7) !== text) return false
    const value = tag >>> 3 === 5 ? String(reader.bytes()) : readText(reader, request.length)
    if (tag >>> 3 === 1) read.host = value
    else Object.assign(read, { kind: tag >>> 3, name: value })
    return true
  })
  return read
}

/** Every name that a file defines. */
function symbolsOf({ package: name, messages, enums = [], services = [] }: FileSpec): string[] {
  const names = (prefix: string, nodes: readonly Node[]) => nodes.map((node) => `${prefix}.${nameOf(node)}`)
  const inMessages = (prefix: string, specs: readonly MessageSpec[]): string[] =>
    specs.flatMap((spec) => {
      const own = `${prefix}.${spec.name}`
      const fields = spec.fields.map((field) => `${own}.${field.name}`)
      return [own, ...fields, ...inMessages(own, spec.nested ?? []), ...names(own, spec.enums ?? [])]
    })
  const inServices = services.flatMap((service) => {
    const methods = service.flatMap(([number, value]) => (number === 2 ? [value as Node] : []))
    return names(`${name}.${nameOf(service)}`, methods)
  })
  return [...inMessages(name, messages), ...names(name, enums), ...names(name, services), ...inServices]
}

/** Every descriptor has its name as the first field. */
function nameOf(node: Node): string {
  return String(node[0]?.[1])
}
