/**
 * `contracts/service.proto` as the lock of numbers: those in it are kept, new names get new ones, and those of what was
 * removed stay reserved (protobuf's language guide, "Updating A Message Type").
 */

import {
  byName,
  type EnumType,
  type MessageType,
  type Method,
  type ProtoFile,
  type Reserved,
  typeText,
  zeroOf,
} from './model.ts'

interface LockedField {
  number: number
  type: string
}

interface Locked {
  fields: Map<string, LockedField>
  reserved: { numbers: Set<number>; names: Set<string> }
}

export interface Lock {
  messages: Map<string, Locked>
  enums: Map<string, Locked>
  /** Signatures by `Service.Method`. */
  methods: Map<string, string>
}

const token = /"(?:[^"\\]|\\.)*"|[\w.]+|\S/g

/** Reads a file as {@link render} writes it. */
export function readLock(text: string): Lock {
  const lock: Lock = { messages: new Map(), enums: new Map(), methods: new Map() }
  const source = text.replaceAll(/^\s*\/\/.*$/gm, '')
  for (const [, kind, name = '', body = ''] of source.matchAll(
    /^(message|enum|service) (\w+) \{(?:\}|\n([\s\S]*?)^\})/gm,
  )) {
    if (kind === 'service') readMethods(name, body, lock)
    else lock[kind === 'enum' ? 'enums' : 'messages'].set(name, readBody(body))
  }
  return lock
}

function readMethods(service: string, body: string, { methods }: Lock): void {
  for (const [, name, signature = ''] of body.matchAll(/rpc (\w+)(\([^)]*\) returns \([^)]*\))/g))
    methods.set(`${service}.${name}`, signature)
}

function readBody(body: string): Locked {
  const locked: Locked = { fields: new Map(), reserved: { numbers: new Set(), names: new Set() } }
  const statements = body.replaceAll(/oneof \w+ \{|\}/g, '').split(';')
  for (const statement of statements) {
    const words = statement.replace(/\[[^\]]*\]\s*$/, '').match(token) ?? []
    if (words[0] === 'reserved') readReserved(words.slice(1), locked)
    else if (words.at(-2) === '=') {
      const name = words.at(-3) ?? ''
      const type = statement
        .slice(0, statement.lastIndexOf(` ${name} =`))
        .trim()
        .replace(/^optional /, '')
      locked.fields.set(name, { number: Number(words.at(-1)), type })
    }
  }
  return locked
}

function readReserved(words: readonly string[], { reserved }: Locked): void {
  for (const word of words) {
    if (word.startsWith('"')) reserved.names.add(word.slice(1, -1))
    else if (/^\d+$/.test(word)) reserved.numbers.add(Number(word))
  }
}

/** What clients that were made from the lock could no longer do, one line each. */
export function breakingChanges(lock: Lock, file: ProtoFile): string[] {
  const changes: string[] = []
  const methods = new Map<string, string>(
    file.services.flatMap(({ name, methods: own }) =>
      own.map((method) => [`${name}.${method.name}`, signatureOf(method)] as const),
    ),
  )
  for (const [name, signature] of lock.methods) {
    const now = methods.get(name)
    if (now === undefined) changes.push(`${name} is gone`)
    else if (now !== signature) changes.push(`${name} was ${signature} and is ${now}`)
  }
  const kinds = [
    [lock.messages, new Map(file.messages.map((each) => [each.name, fieldTexts(each)]))],
    [lock.enums, new Map(file.enums.map((each) => [each.name, valueTexts(each)]))],
  ] as const
  for (const [before, now] of kinds) {
    for (const [name, { fields }] of before) {
      // What has nothing left was removed before.
      const own = now.get(name)
      if (own === undefined && fields.size > 0) changes.push(`${name} is gone`)
      for (const [field, { type }] of own === undefined ? [] : fields) {
        const other = own?.get(field)
        if (other === undefined) changes.push(`${name}.${field} is gone`)
        else if (other !== type) changes.push(`${name}.${field} was ${type} and is ${other}`)
      }
    }
  }
  return changes
}

export function signatureOf({ request, response, streams }: Method): string {
  return `(${request.name}) returns (${streams ? 'stream ' : ''}${response?.name ?? 'google.protobuf.Empty'})`
}

function fieldTexts({ fields }: MessageType): Map<string, string> {
  return new Map(fields.map((field) => [field.name, typeText(field)]))
}

function valueTexts({ name, values }: EnumType): Map<string, string> {
  return new Map([...values.map((value) => [value.name, ''] as const), [zeroOf(name), '']])
}

/** Gives every field and value its number, and keeps what was removed as reserved. */
export function number(file: ProtoFile, lock: Lock): void {
  for (const message of file.messages) {
    const texts = fieldTexts(message)
    const { numbers, reserved } = assign([...texts], lock.messages.get(message.name))
    for (const field of message.fields) field.number = numbers.get(field.name) ?? 0
    message.fields.sort((a, b) => a.number - b.number)
    message.reserved = reserved
  }
  for (const each of file.enums) {
    const names = each.values.map(({ name }) => [name, ''] as const)
    const { numbers, reserved } = assign(names, withoutZero(lock.enums.get(each.name), each.name))
    for (const value of each.values) value.number = numbers.get(value.name) ?? 0
    each.values.sort((a, b) => a.number - b.number)
    each.reserved = reserved
  }
  keepRemoved(file, lock)
}

function assign(
  names: readonly (readonly [name: string, type: string])[],
  locked: Locked | undefined,
): { numbers: Map<string, number>; reserved: Reserved } {
  const numbers = new Map<string, number>()
  const free = { numbers: new Set(locked?.reserved.numbers), names: new Set(locked?.reserved.names) }
  const types = new Map(names)
  for (const [name, { number, type }] of locked?.fields ?? []) {
    if (types.get(name) === type) numbers.set(name, number)
    else {
      free.numbers.add(number)
      free.names.add(name)
    }
  }
  let last = Math.max(0, ...numbers.values(), ...free.numbers)
  for (const [name] of names) {
    // A name that is used again is not reserved, but gets another number.
    free.names.delete(name)
    if (!numbers.has(name)) numbers.set(name, ++last)
  }
  return {
    numbers,
    reserved: { numbers: [...free.numbers].sort((a, b) => a - b), names: [...free.names].sort() },
  }
}

function withoutZero(locked: Locked | undefined, name: string): Locked | undefined {
  return locked && { ...locked, fields: new Map([...locked.fields].filter(([each]) => each !== zeroOf(name))) }
}

/** A type that is gone stays as a name under which every number is reserved: it may come back. */
function keepRemoved(file: ProtoFile, lock: Lock): void {
  const messages = new Set(file.messages.map(({ name }) => name))
  const description = 'Removed.'
  for (const [name, locked] of lock.messages) {
    if (messages.has(name)) continue
    const { reserved } = assign([], locked)
    file.messages.push({ name, description, role: 'object', fields: [], constants: [], reserved })
  }
  const enums = new Set(file.enums.map(({ name }) => name))
  for (const [name, locked] of lock.enums) {
    if (enums.has(name)) continue
    file.enums.push({ name, description, values: [], reserved: assign([], withoutZero(locked, name)).reserved })
  }
  file.messages.sort(byName)
  file.enums.sort(byName)
}
