/** What a document may ask for at most: judged once, when it is seen first. */

import {
  BREAK,
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLError,
  type GraphQLNamedType,
  type GraphQLOutputType,
  type GraphQLSchema,
  getNamedType,
  getNullableType,
  isListType,
  isObjectType,
  Kind,
  Lexer,
  type NamedTypeNode,
  type SelectionSetNode,
  Source,
  TokenKind,
  visit,
} from 'graphql'
import { refused } from './errors.ts'
import { type FieldNotes, notesOf } from './types.ts'

/** Lexical tokens of a document; the parser stops there. */
export const maxTokens = 4000
/** Fields within fields; the introspection query of the usual tools has 13. */
const maxDepth = 15
const maxAliases = 30
/** Operations that one document may call. */
const maxRootFields = 20
/** Of a field in the answer one, of an operation that is called `callCost`; pages have as many items as they may. */
const maxCost = 20_000
const callCost = 10
/** Objects in a list that is no page. */
const usualList = 10

/** Fields and fragments in one selection, and definitions in a document. */
const maxSelections = 300

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

/** Why a document is refused before it is validated, which compares all selections of a set with each other; or nothing. */
export function tooWide(document: DocumentNode): GraphQLError | undefined {
  let isTooWide = document.definitions.length > maxSelections
  visit(document, {
    SelectionSet: ({ selections }) => {
      if (selections.length > maxSelections) isTooWide = true
      return isTooWide ? BREAK : undefined
    },
  })
  return isTooWide ? tooMuch('fields beside each other, or definitions', maxSelections) : undefined
}

export function tooDeep(): GraphQLError {
  return tooMuch('levels of brackets', maxNesting)
}

function tooMuch(what: string, limit: number): GraphQLError {
  return refused(`The document has more than ${limit} ${what}`, 'DOCUMENT_TOO_COMPLEX')
}

/** The limits that a valid document exceeds. Fragments spread each other in no circle: validation has seen to that. */
export function refusalsOf(document: DocumentNode, schema: GraphQLSchema): GraphQLError[] {
  const fragments = new Map<string, FragmentDefinitionNode>()
  for (const each of document.definitions) {
    if (each.kind === Kind.FRAGMENT_DEFINITION) fragments.set(each.name.value, each)
  }
  const refusals: GraphQLError[] = []
  const refuse = (what: string, limit: number) => refusals.push(tooMuch(what, limit))
  for (const definition of document.definitions) {
    if (definition.kind !== Kind.OPERATION_DEFINITION) continue
    const walk = new Walk(schema, fragments)
    walk.selections(definition.selectionSet, schema.getRootType(definition.operation) ?? undefined, 1, 1)
    if (walk.reserved) refusals.push(refused('An alias must not begin with __', 'GRAPHQL_VALIDATION_FAILED'))
    if (walk.tooDeep) refuse('levels of fields', maxDepth)
    if (walk.aliases > maxAliases) refuse('aliases', maxAliases)
    if (walk.cost > maxCost) refuse('points of cost', maxCost)
    if (walk.rootFields > maxRootFields) refuse('fields at its root', maxRootFields)
  }
  return refusals
}

class Walk {
  readonly #schema: GraphQLSchema
  readonly #fragments: ReadonlyMap<string, FragmentDefinitionNode>
  cost = 0
  aliases = 0
  tooDeep = false
  /** Such names are GraphQL's own (section 2.1.9), and one is JavaScript's. */
  reserved = false
  rootFields = 0

  constructor(schema: GraphQLSchema, fragments: ReadonlyMap<string, FragmentDefinitionNode>) {
    this.#schema = schema
    this.#fragments = fragments
  }

  /** Stops where it has seen too much: fragments can make a short document endless. */
  selections({ selections }: SelectionSetNode, type: Parent, depth: number, times: number): void {
    if (depth > maxDepth) this.tooDeep = true
    if (this.tooDeep || this.cost > maxCost || this.aliases > maxAliases) return
    for (const selection of selections) {
      if (selection.kind === Kind.FIELD) this.#field(selection, type, depth, times)
      else if (selection.kind === Kind.INLINE_FRAGMENT) {
        this.selections(selection.selectionSet, this.#named(selection.typeCondition) ?? type, depth, times)
      } else {
        const fragment = this.#fragments.get(selection.name.value)
        // A spread costs, or empty ones could be nested without end.
        this.cost += 1
        if (fragment) this.selections(fragment.selectionSet, this.#named(fragment.typeCondition), depth, times)
      }
    }
  }

  #field(node: FieldNode, type: Parent, depth: number, times: number): void {
    const field = isObjectType(type) ? type.getFields()[node.name.value] : undefined
    const notes = field === undefined ? {} : notesOf(field)
    this.cost += notes.calls ? times * callCost : times
    if (node.alias) this.aliases += 1
    if (node.alias?.value.startsWith('__')) this.reserved = true
    if (depth === 1) this.rootFields += 1
    if (!node.selectionSet) return
    const own = field && getNamedType(field.type)
    this.selections(node.selectionSet, own, depth + 1, times * itemsOf(node, field?.type, notes))
  }

  #named(node: NamedTypeNode | undefined): Parent {
    return node && this.#schema.getType(node.name.value)
  }
}

type Parent = GraphQLNamedType | undefined

/** How many objects a field may give. */
function itemsOf({ arguments: given = [] }: FieldNode, type: GraphQLOutputType | undefined, notes: FieldNotes): number {
  const { page, inPage } = notes
  if (page === undefined) return type !== undefined && !inPage && isListType(getNullableType(type)) ? usualList : 1
  const limit = given.find(({ name }) => name.value === 'limit')?.value
  if (limit === undefined || limit.kind === Kind.NULL) return page.usual
  return limit.kind === Kind.INT ? Math.max(1, Number(limit.value)) : page.most
}
