/** Compiles schemas into validators: what is text in HTTP is coerced, all else taken as it is; every string well-formed Unicode. */

import type { TObject, TSchema } from '@sinclair/typebox'
import { Ajv, type ErrorObject, type Options, type ValidateFunction } from 'ajv'
import formats from 'ajv-formats'
import type { FastifySchemaCompiler } from 'fastify'
import { isEmail } from '../schemas/email.ts'
import { pointerTo } from './pointer.ts'
import { withoutNames } from './schema-names.ts'
import { TypedInput } from './typed-input.ts'

const options: Options = { allErrors: true, useDefaults: true, strict: true, strictTypes: 'log', discriminator: true }

function createAjv(own: Options): Ajv {
  const ajv = new Ajv({ ...options, ...own })
  formats.default(ajv, ['date-time', 'date', 'time', 'uri', 'uuid'])
  ajv.addFormat('idn-email', isEmail)
  ajv.addVocabulary(['x-operation'])
  return ajv
}

/** Compiles what judges the values of one part of a request. */
type Judge = (schema: object) => ValidateFunction

const strict = sharing({})
const coercing = sharing({ coerceTypes: 'array' })

/** One compiler for all schemas, but those that refer to themselves by name: it would take a name for one schema's for good. */
function sharing(own: Options): Judge {
  const shared = createAjv(own)
  return (schema) => ((schema as TSchema).$id === undefined ? shared : createAjv(own)).compile(schema)
}

/**
 * The validator compiler of the server: query, path and headers arrive as text and are coerced. A body is not, nor are
 * the values of a path or query that came over a wire with types of its own.
 */
export const validatorCompiler: FastifySchemaCompiler<object> = ({ schema, httpPart }) => {
  if (httpPart === 'body') return ofBody(schema)
  return httpPart === 'headers' ? ofHeaders(schema) : ofUrl(schema)
}

const ofBody = compiledOnce((schema) => compile(strict, schema))
// HTTP refuses NUL in headers, and reads them as Latin-1.
const ofHeaders = compiledOnce(coercing)
const ofUrl = compiledOnce((schema) => byOrigin(() => compile(strict, schema), wellFormed(coercing(schema))))

/** Many routes have one schema, that of an id or of a page first of all. */
function compiledOnce(judge: Judge): Judge {
  const compiled = new WeakMap<object, ValidateFunction>()
  return (named) => {
    const known = compiled.get(named)
    if (known !== undefined) return known
    const validate = judge(withoutNames(named))
    compiled.set(named, validate)
    return validate
  }
}

function compile(judge: Judge, schema: object): ValidateFunction {
  return hasText(schema) ? wellFormed(judge(schema)) : judge(schema)
}

/** Most operations are never called by a wire with types: what judges those values is compiled at the first. */
function byOrigin(compileTyped: () => ValidateFunction, text: ValidateFunction): ValidateFunction {
  let typed: ValidateFunction | undefined
  const typedOf = () => {
    typed ??= compileTyped()
    return typed
  }
  const check = ((data: unknown): boolean => {
    const validate = data instanceof TypedInput ? typedOf() : text
    const valid = validate(data) as boolean
    check.errors = validate.errors ?? null
    return valid
  }) as ValidateFunction
  return check
}

/** Whether a value of this schema can hold text: anything but an object of numbers and booleans. */
function hasText(schema: object): boolean {
  const { type, properties, additionalProperties } = schema as TObject
  if (type !== 'object' || additionalProperties !== false) return true
  return Object.values(properties).some(({ type }) => type !== 'integer' && type !== 'number' && type !== 'boolean')
}

/**
 * NUL cannot be stored as text by PostgreSQL, and a lone surrogate would silently become U+FFFD:
 * both are refused here, so for every wire. `1e999` of a URL becomes Infinity, to which Ajv applies no limit.
 */
function wellFormed(validate: ValidateFunction): ValidateFunction {
  const check = ((data: unknown): boolean => {
    const valid = validate(data)
    const illFormed: ErrorObject[] = []
    collectIllFormed(data, '', illFormed)
    check.errors = illFormed.length === 0 ? (validate.errors ?? null) : [...(validate.errors ?? []), ...illFormed]
    return valid && illFormed.length === 0
  }) as ValidateFunction
  return check
}

const maxDepth = 64

function collectIllFormed(value: unknown, pointer: string, found: ErrorObject[], depth = 0): void {
  if (typeof value === 'string') {
    if (value.isWellFormed() && !value.includes('\0')) return
    const message = 'must be well-formed Unicode without NUL'
    found.push({ instancePath: pointer, schemaPath: '', keyword: 'wellFormed', params: {}, message })
  } else if (value === Number.POSITIVE_INFINITY || value === Number.NEGATIVE_INFINITY) {
    const message = 'must be a finite number'
    found.push({ instancePath: pointer, schemaPath: '', keyword: 'finite', params: {}, message })
  } else if (typeof value === 'object' && value !== null && depth < maxDepth) {
    for (const key in value) {
      collectIllFormed((value as Record<string, unknown>)[key], pointer + pointerTo(key), found, depth + 1)
    }
  }
}
