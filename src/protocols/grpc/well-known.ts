/** The well-known types that have JSON forms of their own: Timestamp, and Value with Struct and ListValue. */

import type { Reader } from 'protobufjs/minimal.js'
import { enter, malformed, readText, within } from './wire.ts'
import type { Writer } from './writer.ts'

/** Structs and lists inside one another, as JSON over other wires. */
const maxDepth = 64

/** From year 1 to the end of 9999. */
const firstSecond = -62_135_596_800
const lastSecond = 253_402_300_799

/** RFC 3339; a text that fits no schema for a moment that is none. */
export function readTimestamp(reader: Reader, end: number): string {
  let seconds = 0
  let nanos = 0
  within(reader, end, (field) => {
    if (field === 1 << 3) seconds = Number(reader.int64())
    else if (field === 2 << 3) nanos = reader.int32()
    else return false
    return true
  })
  if (!(seconds >= firstSecond && seconds <= lastSecond && nanos >= 0 && nanos < 1e9)) return `${seconds} s ${nanos} ns`
  const text = new Date(seconds * 1000 + Math.floor(nanos / 1e6)).toISOString()
  const finer = nanos % 1e6
  return finer === 0 ? text : `${text.slice(0, -1)}${String(finer).padStart(6, '0')}Z`
}

const moment = /^(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d):(\d\d)(?:\.(\d+))?([Zz]|[+-]\d\d(?::?\d\d)?)$/

/** @throws {TypeError} for what is no moment. */
export function writeTimestamp(text: string, writer: Writer): void {
  // As `toISOString` writes it.
  const time = text.length === 24 && text.endsWith('Z') ? Date.parse(text) : Number.NaN
  if (Number.isNaN(time)) {
    writeOther(text, writer)
    return
  }
  const seconds = Math.floor(time / 1000)
  writeParts(seconds, (time - seconds * 1000) * 1e6, writer)
}

function writeOther(text: string, writer: Writer): void {
  const [, day, minutes, second, fraction = '', zone = 'Z'] = moment.exec(text) ?? []
  // A leap second is the one after it.
  const start = Date.parse(`${day}T${minutes}:00${zone.length === 3 ? `${zone}:00` : zone.toUpperCase()}`)
  if (Number.isNaN(start)) throw new TypeError('a date-time is no moment')
  writeParts(start / 1000 + Number(second), Number(fraction.padEnd(9, '0').slice(0, 9)), writer)
}

function writeParts(seconds: number, nanos: number, writer: Writer): void {
  if (seconds !== 0) writer.uint32(1 << 3).int64(seconds)
  if (nanos !== 0) writer.uint32(2 << 3).int32(nanos)
}

/** @throws {Problem} `malformed-request` */
export function readValue(reader: Reader, end: number, depth = 0): unknown {
  if (depth > maxDepth) throw malformed('a value is nested too deeply')
  let value: unknown = null
  within(reader, end, (field) => {
    switch (field) {
      case 1 << 3:
        reader.int32()
        value = null
        return true
      case (2 << 3) | 1:
        value = reader.double()
        if (!Number.isFinite(value)) throw malformed('a value is no number of JSON')
        return true
      case (3 << 3) | 2:
        value = readText(reader, end)
        return true
      case 4 << 3:
        value = reader.bool()
        return true
      case (5 << 3) | 2:
        value = readStruct(reader, enter(reader, end), depth)
        return true
      case (6 << 3) | 2:
        value = readList(reader, enter(reader, end), depth)
        return true
      default:
        return false
    }
  })
  return value
}

function readStruct(reader: Reader, end: number, depth: number): Record<string, unknown> {
  const struct: Record<string, unknown> = {}
  within(reader, end, (field) => {
    if (field !== ((1 << 3) | 2)) return false
    readEntry(reader, enter(reader, end), struct, null, (to) => readValue(reader, to, depth + 1))
    return true
  })
  // What the parser of JSON refuses (its `prototype` could reach what all objects share).
  const { constructor: own } = struct
  if (
    Object.hasOwn(struct, 'constructor') &&
    typeof own === 'object' &&
    own !== null &&
    Object.hasOwn(own, 'prototype')
  )
    throw malformed('constructor.prototype is no name here')
  return struct
}

function readList(reader: Reader, end: number, depth: number): unknown[] {
  const list: unknown[] = []
  within(reader, end, (field) => {
    if (field !== ((1 << 3) | 2)) return false
    list.push(readValue(reader, enter(reader, end), depth + 1))
    return true
  })
  return list
}

/**
 * One entry of a map whose values have a length.
 *
 * @param absent The value of an entry that has none.
 */
function readEntry(
  reader: Reader,
  end: number,
  into: Record<string, unknown>,
  absent: unknown,
  readIt: (end: number) => unknown,
): void {
  let key = ''
  let value = absent
  within(reader, end, (field) => {
    if (field === ((1 << 3) | 2)) key = readText(reader, end)
    else if (field === ((2 << 3) | 2)) value = readIt(enter(reader, end))
    else return false
    return true
  })
  if (key === '__proto__') throw malformed('__proto__ is no name here')
  into[key] = value
}

export function writeValue(value: unknown, writer: Writer): void {
  switch (typeof value) {
    case 'number':
    case 'bigint':
      writer.uint32((2 << 3) | 1).double(Number(value))
      return
    case 'string':
      writer.uint32((3 << 3) | 2).string(value)
      return
    case 'boolean':
      writer.uint32(4 << 3).bool(value)
      return
    case 'object':
      if (value === null) break
      if (Array.isArray(value)) writeList(value, writer.uint32((6 << 3) | 2).fork())
      else writeStruct(value, writer.uint32((5 << 3) | 2).fork())
      writer.ldelim()
      return
  }
  writer.uint32(1 << 3).int32(0)
}

function writeStruct(value: object, writer: Writer): void {
  for (const [key, each] of Object.entries(value)) {
    writer.uint32((1 << 3) | 2).fork()
    writer.uint32((1 << 3) | 2).string(key)
    writeValue(each, writer.uint32((2 << 3) | 2).fork())
    writer.ldelim().ldelim()
  }
}

function writeList(values: readonly unknown[], writer: Writer): void {
  for (const each of values) {
    writeValue(each, writer.uint32((1 << 3) | 2).fork())
    writer.ldelim()
  }
}
