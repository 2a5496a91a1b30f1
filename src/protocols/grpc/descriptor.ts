/**
 * Files as google.protobuf.FileDescriptorProto (descriptor.proto), as protoc makes them; protobufjs would lose presence,
 * JSON names and the files' own names.
 */

import {
  type EnumType,
  fileName,
  jsonNameOf,
  type MessageField,
  type MessageType,
  type Method,
  type ProtoFile,
  packageName,
  pascalOf,
  type Service,
  zeroOf,
} from './model.ts'
import { encodeNode, type Node } from './node.ts'

/** Type numbers of FieldDescriptorProto. */
const types = { double: 1, int64: 3, int32: 5, bool: 8, string: 9, message: 11, bytes: 12, enum: 14 } as const

export interface FieldSpec {
  name: string
  number: number
  type: keyof typeof types
  /** With a dot before it. */
  typeName?: string | undefined
  repeated?: boolean
  /** Which of the message's oneofs it is in. */
  oneof?: number | undefined
  optional?: boolean
  jsonName?: string
  deprecated?: boolean
}

export interface MessageSpec {
  name: string
  fields: readonly FieldSpec[]
  oneofs?: readonly string[]
  nested?: readonly MessageSpec[]
  enums?: readonly Node[]
  isEntry?: boolean
  reserved?: MessageType['reserved']
}

export interface FileSpec {
  name: string
  package: string
  dependencies?: readonly string[]
  messages: readonly MessageSpec[]
  enums?: readonly Node[]
  services?: readonly Node[]
}

export function fileDescriptor(file: FileSpec): Buffer {
  return encodeNode([
    [1, file.name],
    [2, file.package],
    ...(file.dependencies ?? []).map((name) => [3, name] as const),
    ...file.messages.map((message) => [4, messageNode(message)] as const),
    ...(file.enums ?? []).map((each) => [5, each] as const),
    ...(file.services ?? []).map((each) => [6, each] as const),
    [12, 'proto3'],
  ])
}

function messageNode({ name, fields, oneofs = [], nested = [], enums = [], isEntry, reserved }: MessageSpec): Node {
  return [
    [1, name],
    ...fields.map((field) => [2, fieldNode(field)] as const),
    ...nested.map((each) => [3, messageNode(each)] as const),
    ...enums.map((each) => [4, each] as const),
    ...(isEntry ? [[7, [[7, true]]] as const] : []),
    ...oneofs.map((oneof) => [8, [[1, oneof]]] as const),
    ...(reserved?.numbers ?? []).map((number) => [9, range(number, number + 1)] as const),
    ...(reserved?.names ?? []).map((each) => [10, each] as const),
  ]
}

function range(start: number, end: number): Node {
  return [
    [1, start],
    [2, end],
  ]
}

function fieldNode({ name, number, type, typeName, repeated, oneof, optional, jsonName, deprecated }: FieldSpec): Node {
  return [
    [1, name],
    [3, number],
    [4, repeated ? 3 : 1],
    [5, types[type]],
    ...(typeName === undefined ? [] : [[6, typeName] as const]),
    ...(deprecated ? [[8, [[3, true]]] as const] : []),
    ...(oneof === undefined ? [] : [[9, oneof] as const]),
    [10, jsonName ?? jsonNameOf(name)],
    ...(optional ? [[17, true] as const] : []),
  ]
}

export function enumNode(name: string, values: readonly (readonly [string, number])[], more: Node = []): Node {
  const of = values.map(([value, number]) => [2, [[1, value] as const, [2, number] as const]] as const)
  return [[1, name], ...of, ...more]
}

export interface MethodSpec {
  name: string
  input: string
  output: string
  streams?: 'both' | 'server'
  idempotency?: Method['idempotency']
}

export function serviceNode(name: string, methods: readonly MethodSpec[]): Node {
  return [
    [1, name],
    ...methods.map(({ name: method, input, output, streams, idempotency }) => {
      const level = idempotency === undefined ? [] : [[34, idempotency === 'NO_SIDE_EFFECTS' ? 1 : 2] as const]
      const own: Node = [
        [1, method],
        [2, input],
        [3, output],
        ...(idempotency === undefined ? [] : [[4, level] as const]),
        ...(streams === 'both' ? [[5, true] as const] : []),
        ...(streams === undefined ? [] : [[6, true] as const]),
      ]
      return [2, own] as const
    }),
  ]
}

/** The operations' own file. */
export function fileSpec({ services, messages, enums }: ProtoFile): FileSpec {
  const used = new Set(messages.flatMap(({ fields }) => fields.map(({ type }) => type.kind)))
  const isEmpty = services.some(({ methods }) => methods.some(({ response }) => response === undefined))
  const dependencies = [
    ...(isEmpty ? ['empty'] : []),
    ...(used.has('timestamp') ? ['timestamp'] : []),
    ...(used.has('value') ? ['struct'] : []),
  ].map((name) => `google/protobuf/${name}.proto`)
  return {
    name: fileName,
    package: packageName,
    dependencies,
    messages: messages.map(specOf),
    enums: enums.map(enumOf),
    services: services.map(serviceOf),
  }
}

const full = (name: string) => `.${packageName}.${name}`

function serviceOf({ name, methods }: Service): Node {
  return serviceNode(
    name,
    methods.map(({ name: method, request, response, idempotency, streams }) => ({
      name: method,
      ...(streams && { streams: 'server' as const }),
      input: full(request.name),
      output: response === undefined ? '.google.protobuf.Empty' : full(response.name),
      idempotency,
    })),
  )
}

function enumOf({ name, values, reserved: { numbers, names } }: EnumType): Node {
  // Here ranges include their end.
  const reserved: Node = [
    ...numbers.map((number) => [4, range(number, number)] as const),
    ...names.map((each) => [5, each] as const),
  ]
  return enumNode(name, [[zeroOf(name), 0], ...values.map((value) => [value.name, value.number] as const)], reserved)
}

function specOf({ name, role, fields, reserved }: MessageType): MessageSpec {
  const isUnion = role === 'union' && fields.length > 0
  const synthetic = fields.filter(({ cardinality }) => cardinality === 'optional').map((field) => `_${field.name}`)
  const maps = fields.filter(({ cardinality }) => cardinality === 'map')
  return {
    name,
    fields: fields.map((field) => ({
      ...fieldSpec(field, name),
      ...(isUnion && { oneof: 0 }),
      ...(field.cardinality === 'optional' && { optional: true, oneof: synthetic.indexOf(`_${field.name}`) }),
      ...(!isUnion && { jsonName: field.property }),
    })),
    nested: maps.map((field) => ({
      name: entryName(field),
      fields: [
        { name: 'key', number: 1, type: 'string' },
        { ...plainSpec(field), name: 'value', number: 2 },
      ],
      isEntry: true,
    })),
    oneofs: isUnion ? ['member'] : synthetic,
    reserved,
  }
}

function fieldSpec(field: MessageField, owner: string): FieldSpec {
  const { name, number, cardinality, deprecated } = field
  const own = { name, number, repeated: cardinality === 'repeated' || cardinality === 'map', deprecated }
  if (cardinality === 'map') return { ...own, type: 'message', typeName: `${full(owner)}.${entryName(field)}` }
  return { ...plainSpec(field), ...own }
}

function plainSpec({ type }: MessageField): Pick<FieldSpec, 'type' | 'typeName'> {
  switch (type.kind) {
    case 'timestamp':
      return { type: 'message', typeName: '.google.protobuf.Timestamp' }
    case 'value':
      return { type: 'message', typeName: '.google.protobuf.Value' }
    case 'enum':
    case 'message':
      return { type: type.kind, typeName: full(type.of.name) }
    default:
      return { type: type.kind }
  }
}

/** As protoc names the message of a map's entries. */
function entryName({ name }: MessageField): string {
  return `${pascalOf(name)}Entry`
}
