/** The contacts of an org of Salesforce, and what it answers over REST. */

export interface ErrorBody {
  errorCode: string
  message: string
  fields?: string[]
}

export interface ContactRecord {
  Id: string
  SystemModstamp: string
  LastModifiedById: string
  [field: string]: unknown
}

export interface Answer {
  status: number
  body: unknown
}

/** Refuses a record before it is saved. */
export type Rule = (record: Record<string, unknown>, existing: ContactRecord | undefined) => ErrorBody | undefined

export const externalId = 'Septet_User_Id__c'
/** As whom the server works, and anybody else. */
export const integrationUser = '005000000000001AAA'
const somebody = '005000000000002AAA'
const known = new Set(['LastName', 'FirstName', 'Email', 'Title', 'Septet_Since__c', externalId])
const missing: ErrorBody = { errorCode: 'NOT_FOUND', message: 'The requested resource does not exist' }

export class Org {
  readonly contacts: ContactRecord[] = []
  /** Deleted. */
  readonly bin: ContactRecord[] = []
  rules: Rule[] = []
  used = 0
  limit = 100_000
  /** Times that a record was written, by REST or Bulk. */
  writes = 0
  /** Records in one answer to a query. */
  atOnce = 2
  #last = 0

  contact(userId: number): ContactRecord | undefined {
    return this.contacts.find((contact) => contact[externalId] === String(userId))
  }

  /** As somebody does it in Salesforce. */
  edit(userId: number, fields: Record<string, unknown>, at = this.#now()): ContactRecord {
    const contact = this.contact(userId)
    if (contact === undefined) throw new Error(`no contact of user ${userId}`)
    return Object.assign(contact, stored(fields), { SystemModstamp: at, LastModifiedById: somebody })
  }

  /** Into the recycle bin. */
  delete(id: string): void {
    const at = this.contacts.findIndex((contact) => contact[externalId] === id)
    this.bin.push(...this.contacts.splice(at, 1))
  }

  /** Made or changed by external id; the record, or why not. */
  upsert(id: string, fields: Record<string, unknown>): { created: boolean; record: ContactRecord } | ErrorBody[] {
    const unknown = Object.keys(fields).find((field) => !known.has(field))
    if (unknown) {
      const message = `No such column '${unknown}' on sobject of type Contact`
      return [{ errorCode: 'INVALID_FIELD', message, fields: [] }]
    }
    const existing = this.contacts.find((contact) => contact[externalId] === id)
    const record: Record<string, unknown> = { ...existing, ...stored(fields), [externalId]: id }
    const refused = this.rules.map((rule) => rule(record, existing)).find((error) => error !== undefined)
    if (refused) return [refused]
    if (record.LastName == null) {
      const message = 'Required fields are missing: [LastName]'
      return [{ errorCode: 'REQUIRED_FIELD_MISSING', message, fields: ['LastName'] }]
    }
    this.writes += 1
    const written = { SystemModstamp: this.#now(), LastModifiedById: integrationUser }
    if (existing) return { created: false, record: Object.assign(existing, record, written) }
    this.#last += 1
    const made = { ...record, Id: `003${String(this.#last).padStart(12, '0')}AAA`, ...written }
    this.contacts.push(made)
    return { created: true, record: made }
  }

  answer({ method, path, body, since }: { method: string; path: string; body: string; since?: string }): Answer {
    const { pathname, searchParams } = new URL(path, 'http://salesforce')
    const [, sobjects, object, field, id = ''] = pathname.split('/')
    if (sobjects === 'queryAll') {
      const records = [...this.contacts, ...this.bin].filter(({ Id }) => searchParams.get('q')?.endsWith(`'${Id}'`))
      return { status: 200, body: { records, done: true } }
    }
    if (sobjects === 'query') return this.#queried(searchParams.get('q') ?? '', Number(searchParams.get('from')))
    if (sobjects !== 'sobjects' || object !== 'Contact') return { status: 404, body: [missing] }
    if (field !== externalId) {
      const message = `Provided external ID field does not exist or is not accessible: ${field}`
      return { status: 404, body: [{ errorCode: 'NOT_FOUND', message }] }
    }
    const found = this.contacts.filter((contact) => contact[externalId] === id)
    if (found.length > 1)
      return { status: 300, body: found.map(({ Id }) => `/services/data/v64.0/sobjects/Contact/${Id}`) }
    if (
      method === 'PATCH' &&
      since !== undefined &&
      found[0] &&
      Date.parse(found[0].SystemModstamp) > Date.parse(since)
    )
      return { status: 412, body: [{ errorCode: 'PRECONDITION_FAILED', message: 'changed since' }] }
    if (method === 'PATCH') return this.#patched(id, JSON.parse(body))
    if (found[0] === undefined) return { status: 404, body: [missing] }
    if (method === 'DELETE') {
      this.delete(id)
      this.writes += 1
      return { status: 204, body: '' }
    }
    const fields = searchParams.get('fields')?.split(',') ?? Object.keys(found[0])
    const attributes = { type: 'Contact', url: `/services/data/v64.0/sobjects/Contact/${found[0].Id}` }
    return { status: 200, body: { attributes, ...pick(found[0], fields) } }
  }

  /** `select … from Contact where … in (…)`, a few records at once. */
  #queried(soql: string, from: number): Answer {
    const [, select = '', field = '', ids = ''] = /^select (.+) from Contact where (\w+) in \((.+)\)$/.exec(soql) ?? []
    if (ids === '')
      return { status: 400, body: [{ errorCode: 'MALFORMED_QUERY', message: `unexpected token: ${soql}` }] }
    const among = new Set(ids.split(',').map((id) => id.replace(/^'(.*)'$/, '$1')))
    const records = this.contacts.filter((contact) => among.has(String(contact[field])))
    const to = from + this.atOnce
    const rest = `/services/data/v64.0/query?q=${encodeURIComponent(soql)}&from=${to}`
    const shown = records.slice(from, to).map((record) => pick(record, select.split(',')))
    const isLast = to >= records.length
    const body = { totalSize: records.length, done: isLast, records: shown, ...(!isLast && { nextRecordsUrl: rest }) }
    return { status: 200, body }
  }

  #patched(id: string, fields: Record<string, unknown>): Answer {
    const done = this.upsert(id, fields)
    if (Array.isArray(done)) return { status: 400, body: done }
    const { created, record } = done
    return { status: created ? 201 : 200, body: { id: record.Id, success: true, errors: [], created } }
  }

  /** To the second, as Salesforce keeps it. */
  #now(): string {
    return `${new Date().toISOString().slice(0, 19)}.000+0000`
  }
}

/** Texts are trimmed, addresses in lower case, and empty is null. */
function stored(fields: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields).map(([field, value]) => {
      if (typeof value !== 'string') return [field, value ?? null]
      const text = field === 'Email' ? value.trim().toLowerCase() : value.trim()
      return [field, text === '' ? null : text]
    }),
  )
}

function pick(record: ContactRecord, fields: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(fields.map((field) => [field, record[field] ?? null]))
}
