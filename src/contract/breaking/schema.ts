/**
 * What a change of a schema breaks for clients. What they send must still be accepted; what they receive must still be
 * what they know. Of what they receive, limits (`maxLength` …) are not compared, nor are `not`, `if` and `allOf` anywhere.
 */

/** Whether clients send values of the schema or receive them. */
export type Direction = 'sent' | 'received'

export interface JsonSchema {
  $ref?: string
  type?: string | string[]
  const?: unknown
  enum?: unknown[]
  anyOf?: JsonSchema[]
  oneOf?: JsonSchema[]
  items?: JsonSchema
  properties?: Record<string, JsonSchema>
  required?: string[]
  additionalProperties?: boolean | JsonSchema
  patternProperties?: Record<string, JsonSchema>
  format?: string
  pattern?: string
  [limit: string]: unknown
}

/** Two versions of a document, and the way that is looked at. */
export interface Versions {
  before: object
  after: object
  direction: Direction
}

/** What a limit admits when it grows, and when it is absent. */
const limits = {
  minimum: -1,
  exclusiveMinimum: -1,
  minLength: -1,
  minItems: -1,
  minProperties: -1,
  maximum: 1,
  exclusiveMaximum: 1,
  maxLength: 1,
  maxItems: 1,
  maxProperties: 1,
} as const

/** In words, each beginning with the place: `body.name is required now`. */
export function breakingInSchema(versions: Versions, before: JsonSchema, after: JsonSchema, at: string): string[] {
  return compare({ ...versions, under: new Set() }, before, after, at)
}

type Context = Versions & {
  /** Pairs of references that are being compared: schemas may hold themselves. */
  under: ReadonlySet<string>
}

function compare(context: Context, before: JsonSchema, after: JsonSchema, at: string): string[] {
  const pair = `${before.$ref} ${after.$ref}`
  if (before.$ref !== undefined || after.$ref !== undefined) {
    if (context.under.has(pair)) return []
    const deeper = { ...context, under: new Set([...context.under, pair]) }
    return compare(deeper, resolve(context.before, before), resolve(context.after, after), at)
  }
  const old = membersOf(context.before, before)
  const fresh = membersOf(context.after, after)
  const [one, other] = [old[0] as JsonSchema, fresh[0] as JsonSchema]
  if (old.length > 1 || fresh.length > 1) return compareUnions(context, old, fresh, at)
  return one === before && other === after ? comparePlain(context, one, other, at) : compare(context, one, other, at)
}

/** Each member that is sent must be found among those that are taken, each that is received among those that are known. */
function compareUnions(context: Context, before: JsonSchema[], after: JsonSchema[], at: string): string[] {
  const isSent = context.direction === 'sent'
  const [narrow, wide] = isSent ? [before, after] : [after, before]
  return narrow.flatMap((member) => {
    const found = wide.map((other) =>
      isSent ? compare(context, member, other, at) : compare(context, other, member, at),
    )
    if (found.some((each) => each.length === 0)) return []
    const same = wide.findIndex((other) => nameOf(other) === nameOf(member))
    if (same !== -1) return found[same] as string[]
    return [isSent ? `${at} is no longer taken as ${nameOf(member)}` : `${at} may be ${nameOf(member)} now`]
  })
}

function comparePlain(context: Context, before: JsonSchema, after: JsonSchema, at: string): string[] {
  const isSent = context.direction === 'sent'
  const [narrow, wide] = isSent ? [before, after] : [after, before]
  const types = typesOf(narrow).filter((type) => !admits(typesOf(wide), type))
  if (types.length > 0) {
    const [was, is] = [typesOf(before).join(' or '), typesOf(after).join(' or ')]
    return [`${at} was ${was}, and is ${is} now`]
  }
  return [
    ...compareValues(context, before, after, at),
    ...compareText(context, before, after, at),
    ...(isSent ? compareLimits(before, after, at) : []),
    ...compareProperties(context, before, after, at),
    ...compareRecords(context, before, after, at),
    ...(before.items && after.items ? compare(context, before.items, after.items, `${at}[]`) : []),
  ]
}

function compareValues({ direction }: Context, before: JsonSchema, after: JsonSchema, at: string): string[] {
  const [old, fresh] = [valuesOf(before), valuesOf(after)]
  const [narrow, wide] = direction === 'sent' ? [old, fresh] : [fresh, old]
  if (wide === undefined) return []
  const say = (what: string) => (direction === 'sent' ? `${at} no longer takes ${what}` : `${at} may be ${what} now`)
  if (narrow === undefined) return [say(direction === 'sent' ? 'any value' : 'any value of its type')]
  return narrow.filter((value) => !wide.includes(value)).map(say)
}

/** Formats and patterns are compared to the letter: which of two is the wider one cannot be told. */
function compareText({ direction }: Context, before: JsonSchema, after: JsonSchema, at: string): string[] {
  return (['format', 'pattern'] as const).flatMap((keyword) => {
    const [old, fresh] = [before[keyword], after[keyword]]
    if (old === fresh || (direction === 'received' && keyword === 'pattern')) return []
    const wide = direction === 'sent' ? fresh : old
    if (wide === undefined) return []
    return [`${at} had ${keyword} ${old ?? 'none'}, and has ${fresh ?? 'none'} now`]
  })
}

function compareLimits(before: JsonSchema, after: JsonSchema, at: string): string[] {
  return Object.entries(limits).flatMap(([keyword, sign]) => {
    const none = sign * Number.POSITIVE_INFINITY
    const [old, fresh] = [before[keyword] ?? none, after[keyword] ?? none] as [number, number]
    return fresh * sign < old * sign ? [`${at} has ${keyword} ${fresh} now`] : []
  })
}

function compareProperties(context: Context, before: JsonSchema, after: JsonSchema, at: string): string[] {
  const [old, fresh] = [before.properties ?? {}, after.properties ?? {}]
  const gone = Object.keys(old).filter((name) => fresh[name] === undefined)
  const wasRequired = new Set(before.required)
  const isRequired = new Set(after.required)
  const broken =
    context.direction === 'sent'
      ? [...isRequired].filter((name) => !wasRequired.has(name)).map((name) => `${at}.${name} is required now`)
      : [...wasRequired]
          .filter((name) => !isRequired.has(name) && fresh[name] !== undefined)
          .map((name) => `${at}.${name} may be missing now`)
  const common = Object.entries(old).flatMap(([name, schema]) => {
    const now = fresh[name]
    return now === undefined ? [] : compare(context, schema, now, `${at}.${name}`)
  })
  return [...gone.map((name) => `${at}.${name} is gone`), ...broken, ...common]
}

function compareRecords(context: Context, before: JsonSchema, after: JsonSchema, at: string): string[] {
  const [old, fresh] = [recordOf(before), recordOf(after)]
  if (context.direction === 'sent' && old !== false && fresh === false && isObject(before))
    return [`${at} takes no other properties now`]
  return typeof old === 'object' && typeof fresh === 'object' ? compare(context, old, fresh, `${at}.*`) : []
}

function isObject(schema: JsonSchema): boolean {
  return typesOf(schema).includes('object')
}

/** The values of a record, or whether there may be any. */
function recordOf({ additionalProperties = true, patternProperties }: JsonSchema): boolean | JsonSchema {
  return Object.values(patternProperties ?? {})[0] ?? additionalProperties
}

/** What a schema may be: itself, or the members of its union, all the way down. */
function membersOf(document: object, schema: JsonSchema): JsonSchema[] {
  const resolved = resolve(document, schema)
  const members = resolved.anyOf ?? resolved.oneOf
  if (members === undefined) return [schema]
  const flat = members.flatMap((member) => membersOf(document, member))
  // Constants make one closed list, however they are written.
  const constants = flat.filter((member) => member.const !== undefined && member.const !== null)
  if (constants.length < 2) return flat
  const values = constants.map((member) => member.const)
  return [{ enum: values }, ...flat.filter((member) => !constants.includes(member))]
}

/** Follows a reference within the document; its other keywords say nothing of the value. */
function resolve(document: object, schema: JsonSchema): JsonSchema {
  if (schema.$ref === undefined) return schema
  const keys = schema.$ref
    .replace(/^#\//, '')
    .split('/')
    .map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'))
  const target = keys.reduce<unknown>((value, key) => (value as Record<string, unknown> | undefined)?.[key], document)
  if (target === undefined) throw new Error(`${schema.$ref} is not in the document`)
  return resolve(document, target as JsonSchema)
}

/** `any` where a schema does not say; a list of values tells its own types. */
function typesOf({ type, ...schema }: JsonSchema): string[] {
  if (type !== undefined) return [type].flat()
  const values = valuesOf(schema)
  if (values === undefined) return ['any']
  return [...new Set(values.map((value) => (value === 'null' ? 'null' : typeOf(JSON.parse(value)))))]
}

function typeOf(value: unknown): string {
  if (Array.isArray(value)) return 'array'
  return typeof value === 'number' && Number.isInteger(value) ? 'integer' : typeof value
}

function admits(types: readonly string[], type: string): boolean {
  return types.includes('any') || types.includes(type) || (type === 'integer' && types.includes('number'))
}

/** The closed list of a schema, each value as JSON. */
function valuesOf(schema: JsonSchema): string[] | undefined {
  const values = 'const' in schema ? [schema.const] : schema.enum
  return values?.map((value) => JSON.stringify(value))
}

function nameOf(schema: JsonSchema): string {
  return schema.$ref?.split('/').at(-1) ?? typesOf(schema).join(' or ')
}
