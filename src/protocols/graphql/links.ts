/** Where rows lead: to what a key names, and back to the rows that name it. */

import type { TObject, TSchema } from '@sinclair/typebox'
import type { Access } from '../../contract/access.ts'
import { ContractError } from '../../contract/contract-error.ts'
import type { Operation } from '../../contract/operation.ts'
import { inputOf, type Output, outputOf } from '../../contract/shape.ts'
import { capitalOf, type Field, type ObjectShape, referenceOf } from '../../contract/walk.ts'
import type { Target } from './loads.ts'
import { type Link, notesOfCall, type Types } from './types.ts'

/** The operations that give pages, with the schema of their rows. */
type Lists = readonly { operation: Operation; output: Output; row: TObject }[]

export class Links {
  readonly #contract: ReadonlyMap<string, Operation>
  readonly #types: Types
  readonly #lists: Lists
  readonly #targets = new Map<Operation, Target>()
  /** By the name of the type that they start from. */
  readonly #back = new Map<string, Link[]>()

  constructor(contract: ReadonlyMap<string, Operation>, types: Types) {
    this.#contract = contract
    this.#types = types
    const operations = [...contract.values()].sort((a, b) => (a.operationId < b.operationId ? -1 : 1))
    this.#lists = operations.flatMap((operation) => {
      const output = outputOf(operation)
      return output.kind === 'page' ? [{ operation, output, row: output.items as TObject }] : []
    })
  }

  /** Finds the rows that name others, when every operation is known. @throws {ContractError} for a dead `x-operation`. */
  prepare(): void {
    for (const { operationId, params, querystring, body } of this.#contract.values()) {
      for (const { properties } of [params, querystring, body].filter((part) => part !== undefined)) {
        for (const [name, schema] of Object.entries(properties)) this.#targetOf(operationId, name, referenceOf(schema))
      }
    }
    for (const { operation, output, row } of this.#lists) {
      for (const [name, key] of Object.entries(row.properties)) {
        const target = this.#targetOf(operation.operationId, name, referenceOf(key))
        const filter = operation.querystring?.properties[name]
        if (target === undefined || filter === undefined || filter.type !== key.type) continue
        for (const type of this.#typesOf(target)) this.#addBack(type, operation, output, name, target.parameter)
      }
    }
  }

  /** The links of an object. @throws {ContractError} for a dead `x-operation`. */
  of({ name, fields }: ObjectShape): Link[] {
    const forward = fields.flatMap((field) => this.#forward(name, field) ?? [])
    const has = (property: string | undefined) => fields.some((field) => field.name === property)
    return [...forward, ...(this.#back.get(name) ?? []).filter(({ notes: { from } }) => has(from))]
  }

  #forward(type: string, { name, refersTo }: Field): Link | undefined {
    const target = this.#targetOf(type, name, refersTo)
    if (target === undefined) return undefined
    const { get } = target
    return {
      name: stemOf(name) ?? `${name}${capitalOf(withoutVerb(get.operationId))}`,
      type: this.#types.answer(get),
      description: `What \`${name}\` names; null where it is not there.`,
      notes: { ...notesOfCall(get), from: name },
      resolve: (source, _args, context, info) => context.load(target, source[name], info),
    }
  }

  #addBack(type: string, operation: Operation, output: Output, key: string, from: string): void {
    const links = this.#back.get(type) ?? []
    this.#back.set(type, links)
    const plain = lowerOf(withoutVerb(operation.operationId))
    const name = links.some((link) => link.name === plain) ? `${plain}By${capitalOf(key)}` : plain
    links.push({
      name,
      type: this.#types.answer(operation),
      description: `Those whose \`${key}\` names it: \`${operation.operationId}\`.`,
      args: () => this.#types.arguments(operation, [key]),
      notes: { ...notesOfCall(operation), from },
      resolve: (source, args, context) => context.follow(operation, output, { ...args, [key]: source[from] }),
    })
  }

  /**
   * What a property names is found by its own declaration (`x-operation`), else by its name: `postId` is what `getPost`
   * gets. That must be an operation that gets an object by a path parameter and nothing else.
   */
  #targetOf(where: string, property: string, declared: string | undefined): Target | undefined {
    const stem = stemOf(property)
    const named = declared ?? (stem && `get${capitalOf(stem)}`)
    const get = named === undefined ? undefined : this.#contract.get(named)
    const reason = get === undefined ? 'which is no operation' : whyNoTarget(get)
    if (get !== undefined && reason === undefined) return this.#target(get)
    if (declared === undefined) return undefined
    throw new ContractError(`${where}.${property}: x-operation names ${declared}, ${reason}`)
  }

  #target(get: Operation): Target {
    const known = this.#targets.get(get)
    if (known !== undefined) return known
    const parameter = Object.keys(get.params?.properties ?? {})[0] as string
    const target = { get, parameter, list: this.#batchOf(get, parameter) }
    this.#targets.set(get, target)
    return target
  }

  /** The list at the path of what is got by a key, where it can be of some keys and lets in the same callers. */
  #batchOf(get: Operation, parameter: string): Target['list'] {
    const found = this.#collectionOf(get)
    const keys = `${parameter}s`
    const { [keys]: filter, limit } = found?.operation.querystring?.properties ?? {}
    if (found === undefined || filter?.type !== 'array' || limit?.maximum === undefined) return undefined
    const { operation, row } = found
    const whole = (outputOf(get) as { schema: TSchema }).schema.properties as Record<string, TSchema> | undefined
    const same = Object.keys(row.properties).filter((name) => isSame(whole?.[name], row.properties[name]))
    if (!same.includes(parameter) || !sameAccess(get.access, operation.access)) return undefined
    if ((inputOf(operation).required ?? []).length > 0) return undefined
    const most = Math.min((filter.maxItems as number | undefined) ?? Number.POSITIVE_INFINITY, limit.maximum as number)
    return { operation, keys, most, properties: new Set(same) }
  }

  #collectionOf({ url }: Operation): Lists[number] | undefined {
    return this.#lists.find(({ operation }) => operation.url === url.slice(0, url.lastIndexOf('/')))
  }

  /** The types of a resource: as it is got, and as it is listed. */
  #typesOf({ get }: Target): Set<string> {
    const listed = this.#collectionOf(get)
    return new Set([this.#types.rowName(get), ...(listed ? [this.#types.rowName(listed.operation)] : [])])
  }
}

function whyNoTarget(operation: Operation): string | undefined {
  const { method, params } = operation
  if (method !== 'GET') return `which is no GET`
  if (outputOf(operation).kind !== 'object') return 'which answers no object'
  const { properties, required = [] } = inputOf(operation)
  const [parameter, ...others] = Object.keys(params?.properties ?? {})
  if (parameter === undefined || others.length > 0) return 'which takes no single path parameter'
  const further = required.find((name) => name !== parameter && properties[name] !== undefined)
  return further === undefined ? undefined : `which needs ${further} too`
}

function sameAccess(one: Access | undefined, other: Access | undefined): boolean {
  const words = (access: Access | undefined) =>
    access && [[...access.scopes].sort().join(' '), [...access.kinds].sort().join(' ')].join(';')
  return words(one) === words(other)
}

function isSame(one: TSchema | undefined, other: TSchema | undefined): boolean {
  return one !== undefined && JSON.stringify(one) === JSON.stringify(other)
}

/** `authorId` → `author` */
function stemOf(property: string): string | undefined {
  return /^(\w+)Id$/.exec(property)?.[1]
}

/** `listPosts` → `Posts`, `getUser` → `User` */
function withoutVerb(operationId: string): string {
  return operationId.replace(/^(?:list|get)(?=[A-Z])/, '')
}

function lowerOf(name: string): string {
  return name.charAt(0).toLowerCase() + name.slice(1)
}
