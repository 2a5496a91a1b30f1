/** A proto3 file as values: what `contracts/service.proto` says, what reflection answers, and what the codec is made from. */

/** What JSON value a message stands for. */
export type MessageRole =
  | 'object'
  /** A list with presence, or inside another: its one field holds the items. */
  | 'list'
  /** A record with presence, or inside another. */
  | 'record'
  /** A union: one of its fields is set. */
  | 'union'
  /** An item of a list that may be null. */
  | 'maybe'

export interface MessageType {
  name: string
  description: string | undefined
  role: MessageRole
  fields: MessageField[]
  /** Texts that never differ, by property: they are not sent. */
  constants: readonly (readonly [property: string, text: string])[]
  reserved: Reserved
}

export interface EnumType {
  name: string
  description: string | undefined
  /** But 0, which says that nothing is set. */
  values: EnumValue[]
  reserved: Reserved
}

export interface EnumValue {
  name: string
  number: number
  /** As JSON has it. */
  value: string
}

/** Numbers and names of what was removed. */
export interface Reserved {
  numbers: readonly number[]
  names: readonly string[]
}

export type FieldType =
  | { kind: 'string' | 'int32' | 'int64' | 'double' | 'bool' | 'timestamp' | 'value' }
  | { kind: 'enum'; of: EnumType }
  | { kind: 'message'; of: MessageType }

export type Cardinality =
  /** Always there: on the wire only where it is not zero. */
  | 'one'
  /** With presence. */
  | 'optional'
  | 'repeated'
  | 'map'

export interface MessageField {
  /** As JSON has it. */
  property: string
  /** In lower_snake_case. */
  name: string
  number: number
  type: FieldType
  cardinality: Cardinality
  /** Whether JSON always has the property. */
  required: boolean
  /** Whether null is what an absent field means. */
  nullable: boolean
  /** Says, when true, that this property is null; its own field cannot, as absent means absent. */
  nullOf: string | undefined
  description: string | undefined
  deprecated: boolean
}

export interface Method {
  name: string
  description: string
  operationId: string
  idempotency: 'NO_SIDE_EFFECTS' | 'IDEMPOTENT' | undefined
  /** Whether responses follow one another, as what they tell of happens. */
  streams: boolean
  request: MessageType
  /** Without one, google.protobuf.Empty. */
  response: MessageType | undefined
  /** What stands around a success in its message: a page has its cursor there, what is no object is `value`. */
  wrapped: 'page' | 'value' | undefined
}

export interface Service {
  name: string
  description: string
  methods: Method[]
}

export interface ProtoFile {
  services: Service[]
  /** In the order of their names, as enums and services are. */
  messages: MessageType[]
  enums: EnumType[]
}

export const packageName = 'septet.v1'
export const fileName = 'septet/v1/service.proto'

/** `createdAt` is `created_at`. */
export function snakeOf(name: string): string {
  return name
    .replaceAll(/([a-z\d])([A-Z])/g, '$1_$2')
    .replaceAll(/([A-Z]+)([A-Z][a-z])/g, '$1_$2')
    .toLowerCase()
}

/** `audit-events` is `AuditEvents`. */
export function pascalOf(name: string): string {
  return name.replaceAll(/(?:^|[^A-Za-z\d]+)([A-Za-z\d]?)/g, (_, letter: string) => letter.toUpperCase())
}

/** The JSON name that protoc gives to a field by itself. */
export function jsonNameOf(name: string): string {
  return name.replaceAll(/_(.?)/g, (_, letter: string) => letter.toUpperCase())
}

/** What the values of an enum begin with: their names share one space with those of all others. */
export function enumPrefixOf(name: string): string {
  return `${snakeOf(name).toUpperCase()}_`
}

/** The value of an enum that says that nothing is set. */
export function zeroOf(name: string): string {
  return `${enumPrefixOf(name)}UNSPECIFIED`
}

export function byName(a: { name: string }, b: { name: string }): number {
  return a.name < b.name ? -1 : 1
}

/** How a type is written. */
export function typeText({ type, cardinality }: Pick<MessageField, 'type' | 'cardinality'>): string {
  const plain = plainText(type)
  if (cardinality === 'map') return `map<string, ${plain}>`
  return cardinality === 'repeated' ? `repeated ${plain}` : plain
}

function plainText(type: FieldType): string {
  switch (type.kind) {
    case 'timestamp':
      return 'google.protobuf.Timestamp'
    case 'value':
      return 'google.protobuf.Value'
    case 'enum':
    case 'message':
      return type.of.name
    default:
      return type.kind
  }
}
