/** Ingest jobs of Bulk API 2.0: made, given rows as CSV, closed, done after a while, and asked for what became of the rows. */

import { type Answer, externalId, type Org } from './org.ts'

interface Job {
  id: string
  state: 'Open' | 'UploadComplete' | 'InProgress' | 'JobComplete' | 'Failed' | 'Aborted'
  operation: string
  rows: string[][]
  header: string[]
  polls: number
  slowness: number
  done: string[][]
  failed: string[][]
  unprocessed: string[][]
  errorMessage?: string
}

export class BulkJobs {
  readonly all: Job[] = []
  /** Times that a job that is made now says that it is under way before it is done. */
  slowness = 1
  /** Rows that a job leaves alone, from its end. */
  leaves = 0
  readonly #org: Org

  constructor(org: Org) {
    this.#org = org
  }

  answer({ method, path, body }: { method: string; path: string; body: string }): Answer {
    const [, , , id, part] = path.split('/')
    if (method === 'POST') return this.#open(JSON.parse(body))
    const job = this.all.find((each) => each.id === id)
    if (job === undefined) return refused(404, 'NOT_FOUND', 'The requested resource does not exist')
    if (method === 'PUT' && part === 'batches') return this.#upload(job, body)
    if (method === 'PATCH') return this.#change(job, JSON.parse(body))
    if (part === 'successfulResults') return csv(['sf__Id', 'sf__Created', ...job.header], job.done)
    if (part === 'failedResults') return csv(['sf__Id', 'sf__Error', ...job.header], job.failed)
    if (part === 'unprocessedrecords') return csv(job.header, job.unprocessed)
    return this.#poll(job)
  }

  #open(asked: Record<string, unknown>): Answer {
    const { object, operation, externalIdFieldName, lineEnding, contentType } = asked
    if (object !== 'Contact' || operation !== 'upsert' || externalIdFieldName !== externalId)
      return refused(400, 'INVALIDJOB', 'InvalidJob : the object or the external id is not known')
    if (lineEnding !== 'LF' || contentType !== 'CSV') return refused(400, 'INVALIDJOB', 'InvalidJob : LF and CSV alone')
    const id = `750${String(this.all.length + 1).padStart(12, '0')}AAA`
    const { slowness } = this
    const job: Job = {
      id,
      state: 'Open',
      operation,
      rows: [],
      header: [],
      polls: 0,
      slowness,
      done: [],
      failed: [],
      unprocessed: [],
    }
    this.all.push(job)
    return { status: 200, body: shown(job) }
  }

  #upload(job: Job, text: string): Answer {
    if (job.state !== 'Open') return refused(400, 'INVALIDJOBSTATE', 'InvalidJobState : the job is not open')
    const [header = [], ...rows] = parse(text)
    Object.assign(job, { header, rows })
    return { status: 201, body: '' }
  }

  #change(job: Job, { state }: { state: Job['state'] }): Answer {
    job.state = state
    return { status: 200, body: shown(job) }
  }

  #poll(job: Job): Answer {
    job.polls += 1
    if (job.state === 'UploadComplete' || job.state === 'InProgress') {
      job.state = 'InProgress'
      if (job.polls > job.slowness) this.#run(job)
    }
    return { status: 200, body: shown(job) }
  }

  #run(job: Job): void {
    const rows = job.rows.slice(0, job.rows.length - this.leaves)
    job.unprocessed = job.rows.slice(rows.length)
    job.state = 'JobComplete'
    for (const row of rows) {
      // An empty cell changes nothing, `#N/A` sets none.
      const cells = job.header.map((field, index) => [field, row[index]] as const).filter(([, cell]) => cell !== '')
      const { [externalId]: id = '', ...fields } = Object.fromEntries(cells)
      const values = Object.entries(fields).map(([field, cell]) => [field, cell === '#N/A' ? null : cell])
      const done = this.#org.upsert(id, Object.fromEntries(values))
      if (!Array.isArray(done)) {
        job.done.push([done.record.Id, String(done.created), ...row])
        continue
      }
      const [{ errorCode, message, fields: named = [] } = { errorCode: '', message: '' }] = done
      if (errorCode === 'INVALID_FIELD') {
        Object.assign(job, { state: 'Failed', errorMessage: `InvalidBatch : Field name not found : ${message}` })
        return
      }
      job.failed.push(['', `${errorCode}:${message}:${named.join(' ') || '--'}`, ...row])
    }
  }
}

function shown(job: Job) {
  const { id, state, operation, rows, failed, errorMessage } = job
  const counts = { numberRecordsProcessed: rows.length, numberRecordsFailed: failed.length }
  return { id, state, operation, object: 'Contact', apiVersion: 64, jobType: 'V2Ingest', ...counts, errorMessage }
}

function refused(status: number, errorCode: string, message: string): Answer {
  return { status, body: [{ errorCode, message }] }
}

function csv(header: string[], rows: string[][]): Answer {
  const line = (cells: string[]) => cells.map((cell) => `"${cell.replaceAll('"', '""')}"`).join(',')
  return { status: 200, body: `${[header, ...rows].map(line).join('\n')}\n` }
}

/** CSV, read apart from how it is written by who is tested. */
function parse(text: string): string[][] {
  const rows: string[][] = [[]]
  for (const [, quoted, bare, end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\n]*))(,|\n|$)/g)) {
    rows.at(-1)?.push(quoted?.replaceAll('""', '"') ?? bare ?? '')
    if (end === '\n') rows.push([])
    if (end === '') break
  }
  return rows.filter((row) => row.length > 1 || row[0] !== '')
}
