/** What a document may ask for at most: judged once, when it is seen first. */

import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLError,
  Kind,
  Lexer,
  type SelectionSetNode,
  Source,
  TokenKind,
} from 'graphql'
import { defaultLimit } from '../../schemas/page.ts'
import { refused } from './errors.ts'

/** Lexical tokens of a document; the parser stops there. */
export const maxTokens = 4000
/** Fields within fields; the introspection query of the usual tools has 13. */
const maxDepth = 15
const maxAliases = 30
/** Operations that one document may call. */
const maxRootFields = 20
/** Fields that an answer may hold, pages counted with as many items as they may have. */
const maxCost = 20_000
/** Of a page whose `limit` is a variable. */
const largestPage = 100

/** Brackets within brackets: more than any document within `maxDepth` needs. */
const maxNesting = 100

/** Whether a text nests so deep that reading it could exhaust the stack. @throws {GraphQLError} for what is no token. */
export function isNestedTooDeep(text: string): boolean {
  const lexer = new Lexer(new Source(text))
  let depth = 0
  for (let read = 0; read < maxTokens; read += 1) {
    const { kind } = lexer.advance()
    if (kind === TokenKind.EOF) return false
    if (kind === TokenKind.BRACE_L || kind === TokenKind.BRACKET_L || kind === TokenKind.PAREN_L) depth += 1
    if (kind === TokenKind.BRACE_R || kind === TokenKind.BRACKET_R || kind === TokenKind.PAREN_R) depth -= 1
    if (depth > maxNesting) return true
  }
  return false
}

export function tooDeep(): GraphQLError {
  return tooMuch('levels of brackets', maxNesting)
}

function tooMuch(what: string, limit: number): GraphQLError {
  return refused(`The document has more than ${limit} ${what}`, 'DOCUMENT_TOO_COMPLEX')
}

interface Count {
  cost: number
  aliases: number
}

/** The limits that a valid document exceeds. Fragments spread each other in no circle: validation has seen to that. */
export function refusalsOf(document: DocumentNode): GraphQLError[] {
  const fragments = new Map<string, FragmentDefinitionNode>()
  for (const each of document.definitions) {
    if (each.kind === Kind.FRAGMENT_DEFINITION) fragments.set(each.name.value, each)
  }
  const refusals: GraphQLError[] = []
  const refuse = (what: string, limit: number) => refusals.push(tooMuch(what, limit))
  for (const definition of document.definitions) {
    if (definition.kind !== Kind.OPERATION_DEFINITION) continue
    const count = { cost: 0, aliases: 0 }
    const walk = new Walk(fragments, count)
    walk.selections(definition.selectionSet, 1, 1)
    if (walk.reserved) refusals.push(refused('An alias must not begin with __', 'GRAPHQL_VALIDATION_FAILED'))
    if (walk.tooDeep) refuse('levels of fields', maxDepth)
    if (count.aliases > maxAliases) refuse('aliases', maxAliases)
    if (count.cost > maxCost) refuse('fields in its answer', maxCost)
    if (walk.rootFields > maxRootFields) refuse('fields at its root', maxRootFields)
  }
  return refusals
}

class Walk {
  readonly #fragments: ReadonlyMap<string, FragmentDefinitionNode>
  readonly #count: Count
  tooDeep = false
  /** Such names are GraphQL's own (section 2.1.9), and one is JavaScript's. */
  reserved = false
  rootFields = 0

  constructor(fragments: ReadonlyMap<string, FragmentDefinitionNode>, count: Count) {
    this.#fragments = fragments
    this.#count = count
  }

  /** Stops where it has seen too much: fragments can make a short document endless. */
  selections({ selections }: SelectionSetNode, depth: number, times: number): void {
    if (depth > maxDepth) this.tooDeep = true
    if (this.tooDeep || this.#count.cost > maxCost || this.#count.aliases > maxAliases) return
    for (const selection of selections) {
      if (selection.kind === Kind.FIELD) this.#field(selection, depth, times)
      else if (selection.kind === Kind.INLINE_FRAGMENT) this.selections(selection.selectionSet, depth, times)
      else {
        const fragment = this.#fragments.get(selection.name.value)
        // A spread costs, or empty ones could be nested without end.
        this.#count.cost += 1
        if (fragment) this.selections(fragment.selectionSet, depth, times)
      }
    }
  }

  #field(field: FieldNode, depth: number, times: number): void {
    this.#count.cost += times
    if (field.alias) this.#count.aliases += 1
    if (field.alias?.value.startsWith('__')) this.reserved = true
    if (depth === 1) this.rootFields += 1
    if (field.selectionSet) this.selections(field.selectionSet, depth + 1, times * itemsOf(field))
  }
}

/** Items that a field may give: those of a page are asked for with `items` below the field that has the `limit`. */
function itemsOf({ arguments: given = [], selectionSet }: FieldNode): number {
  const isPage = selectionSet?.selections.some((each) => each.kind === Kind.FIELD && each.name.value === 'items')
  const limit = given.find(({ name }) => name.value === 'limit')?.value
  if (limit?.kind === Kind.INT) return Math.max(1, Number(limit.value))
  if (limit?.kind === Kind.VARIABLE) return largestPage
  return isPage ? defaultLimit : 1
}
