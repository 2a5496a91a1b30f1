/** Responses as messages: what REST has rendered, through the response schema, so that only declared properties leave. */

import type { Outcome } from '../../contract/call.ts'
import { nextCursorOf } from '../../contract/shape.ts'
import type { KeptFrames } from './kept-frames.ts'
import { framed, prefixed, prefixLength } from './messages.ts'
import type { FieldType, MessageField, MessageType, Method } from './model.ts'
import { writeTimestamp, writeValue } from './well-known.ts'
import { Writer } from './writer.ts'

/** Gives a message with its prefix. @throws {TypeError} for a value that its schema does not allow. */
export type Encode = (outcome: Outcome) => Buffer

type Write = (value: never, writer: Writer) => void

interface WriteField {
  wireType: number
  /** Whether a value is what an absent field means. */
  isZero: (value: unknown) => boolean
  write: Write
}

const empty = framed(Buffer.alloc(0))

export class Encoders {
  readonly #kept: KeptFrames
  readonly #writers = new Map<MessageType, Write>()

  /** @param kept For messages that were made before. */
  constructor(kept: KeptFrames) {
    this.#kept = kept
  }

  of({ response, wrapped, idempotency }: Method): Encode {
    if (response === undefined) return () => empty
    const write = this.#message(response) as (value: unknown, writer: Writer) => void
    const encode: Encode = (outcome) => {
      const writer = new Writer(prefixLength)
      write(messageOf(outcome, wrapped), writer)
      return prefixed(writer.finish())
    }
    return idempotency === 'NO_SIDE_EFFECTS' ? this.#once(encode, response) : encode
  }

  #once(encode: Encode, kind: MessageType): Encode {
    return (outcome) => {
      const { text = 'null', headers } = outcome
      const kept = this.#kept.get(text, kind, headers.link)
      if (kept !== undefined) return kept
      const frame = encode(outcome)
      this.#kept.keep(text, kind, headers.link, frame)
      return frame
    }
  }

  /** Of the messages of a stream, which have no prefix yet. @throws {TypeError} as {@link Encode} does. */
  ofItem({ response }: Pick<Method, 'response'>): (value: unknown) => Uint8Array {
    const write = this.#message(response as MessageType) as (value: unknown, writer: Writer) => void
    return (value) => {
      const writer = new Writer()
      write(value, writer)
      return writer.finish()
    }
  }

  #message(message: MessageType): Write {
    const known = this.#writers.get(message)
    if (known) return known
    const made = this.#make(message)
    this.#writers.set(message, made)
    return made
  }

  #make({ name, role, fields }: MessageType): Write {
    if (role === 'union') return this.#union(fields)
    const puts = fields.map((field) => this.#put(field))
    if (role === 'object')
      return (value: Record<string, unknown>, writer) => {
        for (const put of puts) put(value, writer)
      }
    const [only] = fields
    const [put] = puts
    if (only === undefined || put === undefined) throw new Error(`${name} has no field`)
    return (value: unknown, writer) => put({ [only.property]: value }, writer)
  }

  #union(fields: readonly MessageField[]): Write {
    const members = fields.map(({ type, number }) => {
      if (type.kind !== 'message') throw new Error('a union is of messages')
      return {
        of: type.of,
        tag: (number << 3) | 2,
        write: this.#message(type.of) as (value: object, writer: Writer) => void,
      }
    })
    return (value: Record<string, unknown>, writer) => {
      const member = members.find(({ of }) => fits(value, of)) ?? members[0]
      if (member === undefined) return
      member.write(value, writer.uint32(member.tag).fork())
      writer.ldelim()
    }
  }

  /** Writes the field of an object's property. */
  #put(field: MessageField): (object: Record<string, unknown>, writer: Writer) => void {
    const { property, cardinality, type, nullOf, number } = field
    const made = this.#field(type)
    const write = made.write as (value: unknown, writer: Writer) => void
    const { wireType, isZero } = made
    const tag = ((number << 3) | wireType) >>> 0
    if (nullOf !== undefined)
      return (object, writer) => {
        if (object[nullOf] === null) writer.uint32(tag).bool(true)
      }
    if (cardinality === 'repeated') return repeated(property, number, made)
    if (cardinality === 'map')
      return (object, writer) => {
        for (const [key, value] of Object.entries((object[property] ?? {}) as object)) {
          writer.uint32(((number << 3) | 2) >>> 0).fork()
          writer.uint32((1 << 3) | 2).string(key)
          write(value, writer.uint32((2 << 3) | wireType))
          writer.ldelim()
        }
      }
    const always = cardinality === 'one'
    return (object, writer) => {
      const value = object[property]
      if (value === undefined || (value === null && type.kind !== 'value') || (always && isZero(value))) return
      write(value, writer.uint32(tag))
    }
  }

  #field(type: FieldType): WriteField {
    switch (type.kind) {
      case 'string':
        return { wireType: 2, isZero: (value) => value === '', write: (value: string, writer) => writer.string(value) }
      case 'int32':
        return { wireType: 0, isZero, write: writeInt32 }
      case 'int64':
        return { wireType: 0, isZero, write: writeInt64 }
      case 'double':
        return { wireType: 1, isZero, write: (value: number, writer) => writer.double(Number(value)) }
      case 'bool':
        return {
          wireType: 0,
          isZero: (value) => value === false,
          write: (value: boolean, writer) => writer.bool(value),
        }
      case 'enum': {
        const numbers = new Map(type.of.values.map(({ number, value }) => [value, number]))
        const write = (value: string, writer: Writer) => {
          const number = numbers.get(value)
          if (number === undefined) throw new TypeError(`${type.of.name} has no such value`)
          writer.int32(number)
        }
        return { wireType: 0, isZero: () => false, write }
      }
      case 'timestamp':
        return withLength(writeTimestamp)
      case 'value':
        return withLength(writeValue)
      case 'message':
        return withLength(this.#message(type.of))
    }
  }
}

/** What the message of a success says. */
function messageOf({ text = 'null', headers }: Outcome, wrapped: Method['wrapped']): unknown {
  const value = parse(text)
  if (wrapped === undefined) return value
  return wrapped === 'value' ? { value } : { items: value, nextCursor: nextCursorOf(headers.link) }
}

/** Whole numbers beyond 2^53 stay exact: the text has them, a parsed number would not. */
function parse(text: string): unknown {
  if (!/\d{16}/.test(text)) return JSON.parse(text)
  const exact = (_key: string, value: unknown, context?: { source?: string }) =>
    typeof value === 'number' && !Number.isSafeInteger(value) && /^-?\d+$/.test(context?.source ?? '')
      ? BigInt(context?.source ?? '')
      : value
  return JSON.parse(text, exact)
}

function repeated(
  property: string,
  number: number,
  { wireType, write: made }: WriteField,
): (object: Record<string, unknown>, writer: Writer) => void {
  const write = made as (value: unknown, writer: Writer) => void
  const tag = ((number << 3) | 2) >>> 0
  const packed = wireType !== 2
  return (object, writer) => {
    const list = (object[property] ?? []) as unknown[]
    if (list.length === 0) return
    if (!packed) {
      for (const each of list) write(each, writer.uint32(tag))
      return
    }
    writer.uint32(tag).fork()
    for (const each of list) write(each, writer)
    writer.ldelim()
  }
}

function withLength(write: Write): WriteField {
  return {
    wireType: 2,
    isZero: () => false,
    write: (value: never, writer) => {
      write(value, writer.fork())
      writer.ldelim()
    },
  }
}

/** The member whose constants and required properties a value has. */
function fits(value: Record<string, unknown>, { constants, fields }: MessageType): boolean {
  return (
    constants.every(([property, text]) => value[property] === text) &&
    fields.every(({ property, required }) => !required || value[property] !== undefined)
  )
}

function isZero(value: unknown): boolean {
  return value === 0 && !Object.is(value, -0)
}

function writeInt32(value: number, writer: Writer): void {
  if ((value | 0) !== value) throw new TypeError('a whole number has more than 32 bits')
  writer.int32(value)
}

function writeInt64(value: number | bigint, writer: Writer): void {
  if (typeof value === 'number' ? !Number.isInteger(value) : BigInt.asIntN(64, value) !== value)
    throw new TypeError('a whole number has more than 64 bits')
  writer.int64(value)
}
