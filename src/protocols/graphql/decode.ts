/** Documents: parsed, validated, judged and compiled once, and kept. */

import {
  type DocumentNode,
  GraphQLError,
  type GraphQLSchema,
  getOperationAST,
  NoSchemaIntrospectionCustomRule,
  parse,
  specifiedRules,
  validate,
} from 'graphql'
import { type CompiledQuery, compileQuery, isCompiledQuery } from 'graphql-jit'
import { LRUCache } from 'lru-cache'
import { ContractError } from '../../contract/contract-error.ts'
import { maxTokens, refusalsOf } from './limits.ts'
import type { TrustedDocuments } from './trusted.ts'

/** Bytes of documents that are kept. */
const keptBytes = 4_194_304
/** The second use of a document shows that it comes again: compiling costs as much as many executions. */
const compiledFrom = 2

export interface Known {
  document: DocumentNode
  uses: number
  /** By the name of the operation that is run; null for one that cannot be compiled. */
  compiled: Map<string, CompiledQuery | null>
}

export interface DocumentSettings {
  schema: GraphQLSchema
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
      if (!('document' in read)) throw new ContractError(`the trusted document ${file}: ${read[0]?.message}`)
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
    let document: DocumentNode
    try {
      document = parse(text, { maxTokens })
    } catch (error) {
      return [error instanceof GraphQLError ? error : new GraphQLError('The document cannot be read')]
    }
    const errors = validate(this.#settings.schema, document, this.#rules, { maxErrors: 20 })
    if (errors.length > 0) return errors
    const refusals = refusalsOf(document)
    if (refusals.length > 0) return refusals
    const fresh: Known = { document, uses: 1, compiled: new Map() }
    this.#known.set(text, fresh)
    return fresh
  }

  /** The compiled operation of a document that is used again; nothing for one that is new or cannot be compiled. */
  compiled({ document, uses, compiled }: Known, operationName: string | undefined): CompiledQuery | undefined {
    if (uses < compiledFrom) return undefined
    const name = operationName ?? ''
    const made = compiled.get(name)
    if (made !== undefined) return made ?? undefined
    // Clients invent names: nothing is kept for one that the document does not have.
    if (name !== '' && getOperationAST(document, name) == null) return undefined
    const result = compileQuery(this.#settings.schema, document, operationName)
    compiled.set(name, isCompiledQuery(result) ? result : null)
    return isCompiledQuery(result) ? result : undefined
  }
}

function notTrusted(): GraphQLError {
  return new GraphQLError('This server answers the documents that it knows, and no others', {
    extensions: { code: 'DOCUMENT_NOT_TRUSTED' },
  })
}
