/** What keys name, loaded once for a request: several at once where the resource has a list that can be of some keys. */

import { type GraphQLObjectType, type GraphQLResolveInfo, getNamedType, Kind, type SelectionSetNode } from 'graphql'
import type { Operation } from '../../contract/operation.ts'
import { Problem, type ProblemCode } from '../../errors.ts'
import { notesOf } from './types.ts'

/** What a key leads to. */
export interface Target {
  /** Gets one row by its key. */
  get: Operation
  /** Of `get`, and the property of a row that holds its key. */
  parameter: string
  /** Gives several, where there is such an operation for the same callers. */
  list: BatchList | undefined
}

export interface BatchList {
  operation: Operation
  /** The property of its input that takes keys. */
  keys: string
  /** Keys that it takes at once. */
  most: number
  /** Properties of its rows that are as those of `get`. */
  properties: ReadonlySet<string>
}

/** Runs an operation and gives what it answers. @throws {Problem} */
export type Run = (operation: Operation, input: Record<string, unknown>) => Promise<unknown>

interface Waiting {
  key: unknown
  resolve: (value: unknown) => void
  reject: (error: unknown) => void
}

/** Of a batch, what says something of one of its keys: each is then asked for by itself. */
const ofOneKey: ReadonlySet<ProblemCode> = new Set(['validation-failed', 'not-found', 'uri-too-long'])

export class Loads {
  readonly #run: Run
  readonly #whole = new Map<Target, Map<unknown, Promise<unknown>>>()
  /** Rows as the list has them. */
  readonly #listed = new Map<Target, Map<unknown, Promise<unknown>>>()
  readonly #waiting = new Map<Target, Waiting[]>()

  constructor(run: Run) {
    this.#run = run
  }

  /** The row with this key; null where there is none. @throws {Problem} as the operation that gets it. */
  load(target: Target, key: unknown, info: Pick<GraphQLResolveInfo, 'fieldNodes' | 'fragments' | 'returnType'>) {
    const whole = this.#whole.get(target)?.get(key)
    if (whole !== undefined) return whole
    if (target.list === undefined || !covers(target.list, info)) {
      return kept(this.#whole, target, key, () => this.#get(target, key))
    }
    return kept(this.#listed, target, key, () => this.#wait(target, key))
  }

  #wait(target: Target, key: unknown): Promise<unknown> {
    // When all that can go on without an answer has gone on, all keys of this step are known.
    if (this.#waiting.size === 0) Promise.resolve().then(() => process.nextTick(() => this.#flush()))
    const others = this.#waiting.get(target) ?? []
    this.#waiting.set(target, others)
    return new Promise((resolve, reject) => others.push({ key, resolve, reject }))
  }

  #flush(): void {
    const groups = [...this.#waiting]
    this.#waiting.clear()
    for (const [target, waiting] of groups) {
      const { most } = target.list as BatchList
      for (let from = 0; from < waiting.length; from += most) this.#list(target, waiting.slice(from, from + most))
    }
  }

  #list(target: Target, waiting: readonly Waiting[]): void {
    if (waiting.length === 1) {
      this.#each(target, waiting)
      return
    }
    const { operation, keys } = target.list as BatchList
    const input = { [keys]: waiting.map(({ key }) => key), limit: waiting.length }
    this.#run(operation, input).then(
      (rows) => {
        const byKey = new Map((rows as Record<string, unknown>[]).map((row) => [row[target.parameter], row]))
        for (const { key, resolve } of waiting) resolve(byKey.get(key) ?? null)
      },
      (error: unknown) => {
        if (error instanceof Problem && ofOneKey.has(error.code)) this.#each(target, waiting)
        else for (const { reject } of waiting) reject(error)
      },
    )
  }

  #each(target: Target, waiting: readonly Waiting[]): void {
    for (const { key, resolve } of waiting) resolve(kept(this.#whole, target, key, () => this.#get(target, key)))
  }

  #get({ get, parameter }: Target, key: unknown): Promise<unknown> {
    return this.#run(get, { [parameter]: key }).catch((error: unknown) => {
      if (error instanceof Problem && error.code === 'not-found') return null
      throw error
    })
  }
}

function kept(
  known: Map<Target, Map<unknown, Promise<unknown>>>,
  target: Target,
  key: unknown,
  load: () => Promise<unknown>,
): Promise<unknown> {
  let ofTarget = known.get(target)
  if (ofTarget === undefined) {
    ofTarget = new Map()
    known.set(target, ofTarget)
  }
  const loading = ofTarget.get(key) ?? load()
  ofTarget.set(key, loading)
  return loading
}

/** By the nodes of a field, which a compiled document has once. */
const covered = new WeakMap<object, boolean>()

/** Whether the rows of a list have all that is asked for. */
function covers(
  { properties }: BatchList,
  { fieldNodes, fragments, returnType }: Pick<GraphQLResolveInfo, 'fieldNodes' | 'fragments' | 'returnType'>,
): boolean {
  const known = covered.get(fieldNodes)
  if (known !== undefined) return known
  const fields = (getNamedType(returnType) as GraphQLObjectType).getFields()
  const has = (name: string) => {
    const field = fields[name]
    return name === '__typename' || (field !== undefined && properties.has(notesOf(field).from ?? name))
  }
  const within = ({ selections }: SelectionSetNode): boolean =>
    selections.every((selection) => {
      if (selection.kind === Kind.FIELD) return has(selection.name.value)
      if (selection.kind === Kind.INLINE_FRAGMENT) return within(selection.selectionSet)
      const fragment = fragments[selection.name.value]
      return fragment === undefined || within(fragment.selectionSet)
    })
  const all = fieldNodes.every(({ selectionSet }) => selectionSet === undefined || within(selectionSet))
  covered.set(fieldNodes, all)
  return all
}
