/** Documents: parsed, validated, judged and compiled once, and kept. */

import {
  type DocumentNode,
  GraphQLError,
  type GraphQLSchema,
  Kind,
  NoSchemaIntrospectionCustomRule,
  type OperationTypeNode,
  parse,
  specifiedRules,
  validate,
} from 'graphql'
import { type CompiledQuery, compileQuery, isCompiledQuery } from 'graphql-jit'
import { LRUCache } from 'lru-cache'
import { ContractError } from '../../contract/contract-error.ts'
import { coded, refused } from './errors.ts'
import { isNestedTooDeep, maxTokens, refusalsOf, tooDeep, tooWide } from './limits.ts'
import type { RenderedFields } from './rendered.ts'
import type { TrustedDocuments } from './trusted.ts'

/** Bytes of documents that are kept. */
const keptBytes = 4_194_304
/** The second use of a document shows that it comes again: compiling costs as much as many executions. */
const compiledFrom = 2

export interface Known {
  document: DocumentNode
  uses: number
  /** By name; without a name, the only one. No other name is ever kept, whatever clients ask for. */
  operations: ReadonlyMap<string | undefined, KnownOperation>
}

export interface KnownOperation {
  name: string | undefined
  kind: OperationTypeNode
  /** Null where it cannot be compiled, absent where that was not tried. */
  compiled: CompiledQuery | null | undefined
}

export interface DocumentSettings {
  schema: GraphQLSchema
  rendered: RenderedFields
  introspection: boolean
  /** Where there are any, no others are answered. */
  trusted?: TrustedDocuments | undefined
}

export class Documents {
  readonly #settings: DocumentSettings
  readonly #rules: typeof specifiedRules
  readonly #known = new LRUCache<string, Known>({
    maxSize: keptBytes,
    // A compiled document is many times its text.
    sizeCalculation: (_known, text) => 2000 + text.length * 20,
  })

  /** @throws {ContractError} for a trusted document that is not valid. */
  constructor(settings: DocumentSettings) {
    this.#settings = settings
    this.#rules = settings.introspection ? specifiedRules : [...specifiedRules, NoSchemaIntrospectionCustomRule]
    for (const { text, file } of settings.trusted?.all ?? []) {
      const read = this.read(text)
      if (!('operations' in read)) throw new ContractError(`the trusted document ${file}: ${read[0]?.message}`)
    }
  }

  /** The document of a text, or what is wrong with it. */
  read(text: string): Known | readonly GraphQLError[] {
    const known = this.#known.get(text)
    if (known !== undefined) {
      known.uses += 1
      return known
    }
    if (this.#settings.trusted?.has(text) === false) return [notTrusted()]
    const document = parsed(text)
    if (document instanceof GraphQLError) return [document]
    const wide = tooWide(document)
    if (wide !== undefined) return [wide]
    const { schema } = this.#settings
    const errors = validate(schema, document, this.#rules, { maxErrors: 20 })
    if (errors.length > 0) return errors.map((error) => coded(error, 'GRAPHQL_VALIDATION_FAILED'))
    const refusals = refusalsOf(document, schema)
    if (refusals.length > 0) return refusals
    const fresh: Known = { document, uses: 1, operations: operationsOf(document, schema) }
    this.#known.set(text, fresh)
    return fresh
  }

  /** The compiled operation of a document that is used again; nothing for one that is new or cannot be compiled. */
  compiled({ document, uses }: Known, operation: KnownOperation): CompiledQuery | undefined {
    if (operation.compiled !== undefined) return operation.compiled ?? undefined
    // A subscription is executed for each item.
    if (uses < compiledFrom && operation.kind !== 'subscription') return undefined
    const { schema, rendered } = this.#settings
    const rewritten = rendered.rewrite(document)
    const result = compileQuery(rewritten ? rendered.schema : schema, rewritten ?? document, operation.name)
    operation.compiled = isCompiledQuery(result) ? result : null
    return operation.compiled ?? undefined
  }
}

/** The operations that this schema can run. */
function operationsOf({ definitions }: DocumentNode, schema: GraphQLSchema): Known['operations'] {
  const operations = new Map<string | undefined, KnownOperation>()
  const nodes = definitions.filter((each) => each.kind === Kind.OPERATION_DEFINITION)
  for (const { name, operation } of nodes) {
    if (schema.getRootType(operation) == null) continue
    const known = { name: name?.value, kind: operation, compiled: undefined }
    operations.set(name?.value, known)
    if (nodes.length === 1) operations.set(undefined, known)
  }
  return operations
}

function parsed(text: string): DocumentNode | GraphQLError {
  try {
    return isNestedTooDeep(text) ? tooDeep() : parse(text, { maxTokens })
  } catch (error) {
    return error instanceof GraphQLError
      ? coded(error, 'GRAPHQL_PARSE_FAILED')
      : refused('The document cannot be read', 'GRAPHQL_PARSE_FAILED')
  }
}

function notTrusted(): GraphQLError {
  return refused('This server answers the documents that it knows, and no others', 'DOCUMENT_NOT_TRUSTED')
}
