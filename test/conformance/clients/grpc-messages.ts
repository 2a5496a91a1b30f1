/** JSON values as messages of a proto3 file, and back, as a client does it that knows nothing but that file. */

import protobuf, { type Enum, type Field, type Type } from 'protobufjs'

/** google/rpc/status.proto and error_details.proto, as much as is answered. */
const rpc = `syntax = "proto3"; package google.rpc; import "google/protobuf/any.proto"; import "google/protobuf/duration.proto";
message Status { int32 code = 1; string message = 2; repeated google.protobuf.Any details = 3; }
message ErrorInfo { string reason = 1; string domain = 2; map<string, string> metadata = 3; }
message BadRequest { repeated FieldViolation field_violations = 1; }
message FieldViolation { string field = 1; string description = 2; }
message RetryInfo { google.protobuf.Duration retry_delay = 1; }
message RequestInfo { string request_id = 1; }`

/** Numbers of fields that the server does not know begin here. */
const firstUnknown = 15_000

export class Messages {
  readonly #root: protobuf.Root
  /** Names of fields that a newer file might have, by their numbers. */
  readonly #unknown = new Map<number, string>()

  constructor(proto: string) {
    const root = new protobuf.Root()
    for (const name of ['empty', 'timestamp', 'struct', 'any', 'duration'])
      root.addJSON(protobuf.common.get(`google/protobuf/${name}.proto`)?.nested ?? {})
    protobuf.parse(proto, root)
    protobuf.parse(rpc, root)
    root.resolveAll()
    this.#root = root
  }

  method(operationId: string) {
    const name = operationId.charAt(0).toUpperCase() + operationId.slice(1)
    const { nestedArray } = this.#root.lookup('septet.v1') as protobuf.Namespace
    const service = nestedArray.find((each) => each instanceof protobuf.Service && name in each.methods)
    const { requestType, responseType } = (service as protobuf.Service).methods[name] as protobuf.Method
    const [request, response] = [requestType, responseType].map((type) =>
      (service as protobuf.Service).lookupType(type),
    ) as [Type, Type]
    return {
      path: `/septet.v1.${service?.name}/${name}`,
      encode: (input: object) => {
        const message = this.#toMessage(request, input) as object
        return Buffer.from(request.encode(message).finish())
      },
      // Held, as a message that is null would be none.
      decode: (bytes: Buffer) => ({ value: response.name === 'Empty' ? null : resultOf(response, bytes) }),
    }
  }

  details(bytes: Uint8Array) {
    const decode = (type: string, value: Uint8Array) =>
      this.#root.lookupType(type).toObject(this.#root.lookupType(type).decode(value), { longs: Number, arrays: true })
    const found = new Map<string, Plain>(
      (decode('google.rpc.Status', bytes).details as Plain[]).map(({ type_url: url, value }) => {
        const name = String(url).split('/')[1] ?? ''
        return [name.split('.').at(-1) ?? '', decode(name, value as Uint8Array)]
      }),
    )
    const info = found.get('ErrorInfo') as { metadata: { code: string; status: string } }
    return {
      code: info.metadata.code,
      status: Number(info.metadata.status),
      requestId: String(found.get('RequestInfo')?.requestId),
      violations: (found.get('BadRequest')?.fieldViolations ?? []) as { field: string; description: string }[],
      retrySeconds: (found.get('RetryInfo')?.retryDelay as { seconds?: number } | undefined)?.seconds,
    }
  }

  /** `list[1].created_at` is `/list/1/createdAt`. */
  pointerOf(field: string): string {
    const parts = field.replaceAll(/\[(\d+)\]/g, '.$1').split('.')
    return parts
      .filter(Boolean)
      .map(
        (part) => `/${this.#unknown.get(Number(part)) ?? part.replaceAll(/_(.)/g, (_, c: string) => c.toUpperCase())}`,
      )
      .join('')
  }

  #toMessage(type: Type, value: unknown): unknown {
    if (type.fullName === '.google.protobuf.Timestamp') return timestampOf(String(value))
    if (type.fullName === '.google.protobuf.Value') return jsonValueOf(value)
    if (type.oneofs?.member) {
      const { kind } = value as { kind: string }
      const field = type.fields[kind]
      if (field === undefined) return {}
      return { [kind]: this.#toMessage(field.resolvedType as Type, value) }
    }
    const [only] = type.fieldsArray
    if (only && isWrapper(type)) return { [only.name]: this.#toField(only, value) }
    const message: Plain = {}
    for (const [property, each] of Object.entries(value as Plain)) {
      if (property === 'kind' && type.fields.kind === undefined) continue
      if (each === null && `${property}IsNull` in type.fields) message[`${property}IsNull`] = true
      const field = type.fields[property] ?? this.#addUnknown(type, property)
      if (each === undefined || (each === null && field.type !== 'google.protobuf.Value')) continue
      message[property] = this.#toField(field, each)
    }
    return message
  }

  #toField(field: Field, value: unknown): unknown {
    const one = (each: unknown) => {
      const { resolvedType, id } = field
      if (id >= firstUnknown) return String(each)
      if (resolvedType instanceof protobuf.Type) return this.#toMessage(resolvedType, each)
      return resolvedType instanceof protobuf.Enum ? numberOf(resolvedType, String(each)) : each
    }
    if (field.repeated) return (value as unknown[]).map(one)
    if (!field.map) return one(value)
    return Object.fromEntries(Object.entries(value as Plain).map(([key, each]) => [key, one(each)]))
  }

  #addUnknown(type: Type, property: string): Field {
    const number = firstUnknown + this.#unknown.size
    this.#unknown.set(number, property)
    const field = new protobuf.Field(property, number, 'string')
    type.add(field)
    // Its codec was made without it.
    type.setup()
    return field
  }
}

type Plain = Record<string, unknown>

/** Around a list or record that may be absent. */
function isWrapper({ name, fieldsArray }: Type): boolean {
  const [only, ...others] = fieldsArray
  return (
    others.length === 0 && /(List|Record|Maybe)$/.test(name) && ['items', 'values', 'value'].includes(only?.name ?? '')
  )
}

function numberOf(type: Enum, value: string): number {
  return Object.values(type.values).find((number) => wordOf(type, number) === value) ?? 99
}

function timestampOf(text: string): object {
  const time = /^\d{4}-\d\d-\d\dT.*(Z|[+-]\d\d:\d\d)$/.test(text) ? Date.parse(text) : Number.NaN
  const day = new Date(time)
  // `Date` takes the 30th of February for the 1st or 2nd of March.
  if (Number.isNaN(time) || /-02-30T/.test(text) || Number.isNaN(day.getTime())) return { seconds: 1e15 }
  const fraction = /\.(\d+)/.exec(text)?.[1] ?? ''
  return { seconds: Math.floor(time / 1000), nanos: Number(fraction.padEnd(9, '0')) }
}

function jsonValueOf(value: unknown): object {
  if (value === null) return { nullValue: 0 }
  if (typeof value === 'number') return { numberValue: value }
  if (typeof value === 'string') return { stringValue: value }
  if (typeof value === 'boolean') return { boolValue: value }
  if (Array.isArray(value)) return { listValue: { values: value.map(jsonValueOf) } }
  const fields = Object.fromEntries(Object.entries(value as object).map(([key, each]) => [key, jsonValueOf(each)]))
  return { structValue: { fields } }
}

/** What is no object comes in a message of its own. */
function resultOf(type: Type, bytes: Buffer): unknown {
  const value = fromMessage(type, type.decode(bytes) as unknown as Plain) as Plain
  const [only, ...others] = type.fieldsArray
  return type.name.endsWith('Response') && only?.name === 'value' && others.length === 0 ? value.value : value
}

function fromMessage(type: Type, message: Plain): unknown {
  if (type.fullName === '.google.protobuf.Timestamp') {
    const { seconds, nanos } = message as { seconds: number; nanos: number }
    return new Date(Number(seconds) * 1000 + nanos / 1e6).toISOString()
  }
  if (type.fullName === '.google.protobuf.Value') return fromValue(message)
  const has = (name: string) => Object.hasOwn(message, name)
  const [only] = type.fieldsArray
  if (only && isWrapper(type)) return has(only.name) ? fromField(only, message[only.name]) : null
  if (type.oneofs?.member) {
    const field = type.fieldsArray.find(({ name }) => has(name)) as Field
    return fromField(field, message[field.name])
  }
  const value: Plain = {}
  for (const field of type.fieldsArray) {
    const { name } = field
    const hasPresence = field.options?.proto3_optional === true || field.resolvedType !== null
    if (name.endsWith('IsNull')) {
      if (message[name] === true) value[name.slice(0, -6)] = null
    } else if (field.repeated || field.map || !hasPresence || has(name)) {
      const one = fromField(field, message[name])
      if (one !== undefined) value[name] = one
    }
  }
  return value
}

function fromField(field: Field, value: unknown): unknown {
  const one = (each: unknown) => {
    const { resolvedType } = field
    if (resolvedType instanceof protobuf.Type) return fromMessage(resolvedType, each as Plain)
    if (resolvedType instanceof protobuf.Enum) return wordOf(resolvedType, each as number)
    return field.type === 'int64' ? Number(each) : each
  }
  if (field.repeated) return (value as unknown[]).map(one)
  if (!field.map) return one(value)
  return Object.fromEntries(Object.entries(value as Plain).map(([key, each]) => [key, one(each)]))
}

/** `STATE_API_KEY` is `api-key`; an enum's values have its own name before them. */
function wordOf({ name, valuesById }: Enum, number: number): string | undefined {
  if (number === 0) return undefined
  const prefix = name.replaceAll(/([a-z\d])([A-Z])/g, '$1_$2').length + 1
  const word = valuesById[number]?.slice(prefix).toLowerCase().replaceAll('_', '-')
  return word?.endsWith('-desc') ? `-${word.slice(0, -5)}` : word
}

function fromValue(value: Plain): unknown {
  const list = value.listValue as { values: Plain[] } | undefined
  const struct = value.structValue as { fields: Record<string, Plain> } | undefined
  const has = (name: string) => Object.hasOwn(value, name)
  if (list && has('listValue')) return list.values.map(fromValue)
  if (struct && has('structValue'))
    return Object.fromEntries(Object.entries(struct.fields).map(([key, each]) => [key, fromValue(each)]))
  return ['numberValue', 'stringValue', 'boolValue'].filter(has).map((name) => value[name])[0] ?? null
}
