/** Messages into the plain objects that operations take, as JSON would have brought them. */

import protobuf, { type Reader } from 'protobufjs/minimal.js'
import { Problem } from '../../errors.ts'
import type { FieldType, MessageField, MessageType } from './model.ts'
import { readTimestamp, readValue } from './well-known.ts'
import { enter, leave, malformed, readText, within } from './wire.ts'

/** Reads a message. @throws {Problem} `malformed-request` for bytes that are none. */
export type Decode = (message: Uint8Array) => Record<string, unknown>

type ReadMessage = (reader: Reader, end: number, previous?: unknown) => unknown

type Put = (reader: Reader, wireType: number, end: number, into: Record<string, unknown>) => void

interface ReadField {
  /** Of the wire format: 0 varint, 1 of 64 bits, 2 with a length. */
  wireType: number
  /** Whether several may stand behind one length. */
  packable: boolean
  /** What an absent value means; made anew each time. */
  zero: () => unknown
  read: (reader: Reader, end: number, previous?: unknown) => unknown
}

/** Fields without a place are listed as a validator would, up to this many. */
const maxUnknown = 50

export class Decoders {
  readonly #readers = new Map<MessageType, ReadMessage>()

  of(message: MessageType): Decode {
    const read = this.#message(message)
    return (bytes) => {
      try {
        return read(protobuf.Reader.create(bytes), bytes.length) as Record<string, unknown>
      } catch (error) {
        if (error instanceof Problem) throw error
        throw malformed('it is no protobuf')
      }
    }
  }

  #message(message: MessageType): ReadMessage {
    const known = this.#readers.get(message)
    if (known) return known
    const made = this.#make(message)
    this.#readers.set(message, made)
    return made
  }

  #make(message: MessageType): ReadMessage {
    const [only] = message.fields
    switch (message.role) {
      case 'object':
        return this.#object(message)
      case 'union':
        return this.#union(message)
      // Lists and records in messages of their own, and what may be null.
      default: {
        if (only === undefined) throw new Error(`${message.name} has no field`)
        const put = this.#put(only)
        const { property, cardinality } = only
        const empty = cardinality === 'repeated' ? () => [] : cardinality === 'map' ? () => ({}) : () => null
        return (reader, end, previous) => {
          const holder: Record<string, unknown> = { [property]: previous ?? empty() }
          within(reader, end, (tag) => {
            if (tag >>> 3 !== only.number) return false
            put(reader, tag & 7, end, holder)
            return true
          })
          return holder[property]
        }
      }
    }
  }

  #object({ fields, constants }: MessageType): ReadMessage {
    const puts: (Put | undefined)[] = []
    for (const field of fields) puts[field.number] = this.#put(field)
    const template: Record<string, unknown> = Object.fromEntries(constants)
    const made: [string, () => unknown][] = []
    for (const field of fields) {
      const { property, cardinality, nullable, type, nullOf } = field
      if (nullable) template[property] = null
      else if (!field.required && (cardinality === 'repeated' || cardinality === 'map')) continue
      else if (cardinality === 'repeated') made.push([property, () => []])
      else if (cardinality === 'map') made.push([property, () => ({})])
      // A message has presence always, and of an enum 0 says that nothing is set.
      else if (
        cardinality === 'one' &&
        nullOf === undefined &&
        !['message', 'enum', 'timestamp', 'value'].includes(type.kind)
      )
        template[property] = this.#field(type).zero()
    }
    return (reader, end, previous) => {
      let object = previous as Record<string, unknown> | undefined
      if (object === undefined) {
        object = { ...template }
        for (const [property, make] of made) object[property] = make()
      }
      let unknown = 0
      while (reader.pos < end) {
        const tag = reader.uint32()
        const put = puts[tag >>> 3]
        if (put !== undefined) put(reader, tag & 7, end, object)
        else {
          unknown += 1
          skipUnknown(reader, tag, unknown)
          // The operation's own schema refuses it, as it refuses what it does not know on any wire.
          object[tag >>> 3] = null
        }
      }
      leave(reader, end)
      return object
    }
  }

  #union({ fields }: MessageType): ReadMessage {
    const members = new Map(fields.map((field) => [(field.number << 3) | 2, this.#field(field.type)] as const))
    return (reader, end) => {
      let value: unknown = {}
      within(reader, end, (tag) => {
        const member = members.get(tag)
        if (member) value = member.read(reader, end)
        return member !== undefined
      })
      return value
    }
  }

  /** Reads the value of a field into the object of its message. */
  #put(field: MessageField): Put {
    const { property, cardinality, type, nullOf, number } = field
    const { read, wireType, packable, zero } = this.#field(type)
    const isEnum = type.kind === 'enum'
    const check = (given: number) => {
      if (given !== wireType) throw malformed(`the field with the number ${number} has another type`)
    }
    if (nullOf !== undefined)
      return (reader, given, end, into) => {
        check(given)
        if (read(reader, end) === true) into[nullOf] = null
      }
    if (cardinality === 'repeated')
      return (reader, given, end, into) => {
        into[property] ??= []
        const list = into[property] as unknown[]
        if (given === 2 && packable) {
          const to = enter(reader, end)
          while (reader.pos < to) list.push(read(reader, to) ?? '0')
          leave(reader, to)
          return
        }
        check(given)
        list.push(isEnum ? (read(reader, end) ?? '0') : read(reader, end))
      }
    if (cardinality === 'map')
      return (reader, given, end, into) => {
        if (given !== 2) check(-1)
        const to = enter(reader, end)
        let key = ''
        let value: unknown = isEnum ? '0' : zero()
        within(reader, to, (tag) => {
          if (tag === ((1 << 3) | 2)) key = readText(reader, to)
          else if (tag === ((2 << 3) | wireType)) value = isEnum ? (read(reader, to) ?? '0') : read(reader, to)
          else return false
          return true
        })
        if (key === '__proto__') throw malformed('__proto__ is no name here')
        into[property] ??= {}
        ;(into[property] as Record<string, unknown>)[key] = value
      }
    return (reader, given, end, into) => {
      check(given)
      const value = read(reader, end, into[property] ?? undefined)
      if (value === undefined) delete into[property]
      else into[property] = value
    }
  }

  #field(type: FieldType): ReadField {
    switch (type.kind) {
      case 'string':
        return { wireType: 2, packable: false, zero: () => '', read: readText }
      case 'int32':
        return { wireType: 0, packable: true, zero: () => 0, read: (reader) => reader.int32() }
      case 'int64':
        return { wireType: 0, packable: true, zero: () => 0, read: readInt64 }
      case 'double':
        return { wireType: 1, packable: true, zero: () => 0, read: (reader) => reader.double() }
      case 'bool':
        return { wireType: 0, packable: true, zero: () => false, read: (reader) => reader.bool() }
      case 'enum': {
        const values = new Map<number, string>(type.of.values.map(({ number, value }) => [number, value]))
        // A number that stands for nothing is no value of the schema either.
        const read = (reader: Reader) => {
          const number = reader.int32()
          return number === 0 ? undefined : (values.get(number) ?? String(number))
        }
        return { wireType: 0, packable: true, zero: () => undefined, read }
      }
      case 'timestamp':
        return withLength(readTimestamp, () => '1970-01-01T00:00:00.000Z')
      case 'value':
        return withLength(
          (reader, end) => readValue(reader, end),
          () => null,
        )
      case 'message': {
        const read = this.#message(type.of)
        return withLength(read, () => read(protobuf.Reader.create(new Uint8Array()), 0))
      }
    }
  }
}

function withLength(read: ReadMessage, zero: () => unknown): ReadField {
  return {
    wireType: 2,
    packable: false,
    zero,
    read: (reader, end, previous) => read(reader, enter(reader, end), previous),
  }
}

/** A number where one is exact; else a text, which no schema of whole numbers takes. */
function readInt64(reader: Reader): number | string {
  const long = reader.int64()
  // What has at most 53 bits, without the way over a text that a Long takes to be a number.
  if (typeof long === 'object' && long.high >= 0 && long.high < 0x20_0000)
    return long.high * 0x1_0000_0000 + (long.low >>> 0)
  const number = Number(long)
  return Number.isSafeInteger(number) || BigInt(number) === BigInt(String(long)) ? number : String(long)
}

function skipUnknown(reader: Reader, tag: number, count: number): void {
  const wireType = tag & 7
  // Groups are no part of proto3.
  if (wireType === 3 || wireType === 4 || tag >>> 3 === 0) throw malformed('it has a tag that is none')
  if (count > maxUnknown) throw malformed(`it has more than ${maxUnknown} fields that are not known`)
  reader.skipType(wireType)
}
