/** Upserts by Bulk API 2.0: a job is made, given its rows, and asked for until it has ended. */

import { setTimeout as wait } from 'node:timers/promises'
import type { Connection } from 'jsforce/lib/connection.js'
import { readCsv, writeCsv } from './csv.ts'
import type { Values } from './mapping.ts'
import type { SalesforceSettings } from './settings.ts'

/** Rows by the id of their user; of each, the fields that are set. */
export type Rows = ReadonlyMap<number, Values>

/** What became of the rows of a job, by the id of their user. */
export interface Results {
  /** What was written of each, as texts. */
  readonly done: Rows
  /** Why. */
  readonly failed: ReadonlyMap<number, string>
}

type Job = ReturnType<Connection['bulk2']['createJob']>

/** In ms: before the second question how far it is, and at most before each further one. */
const firstWait = 250
const longestWait = 10_000
/** A cell that empties its field; an empty cell changes nothing. */
const nothing = '#N/A'

/** A job that has ended without its rows done: it is of no use to ask for it again. */
export class JobFailed extends Error {
  override readonly name = 'JobFailed'
}

/** Whether a row can say these values: one is written as what empties a field. */
export function canSay(values: Values): boolean {
  return !Object.values(values).includes(nothing)
}

/** Begins a job over these rows. `onOpen`: told of its id before it is given them. */
export async function beginUpsert(
  connection: Connection,
  { object, externalId, mapping }: SalesforceSettings,
  rows: Rows,
  onOpen: (id: string) => Promise<unknown>,
): Promise<string> {
  const upsert = { operation: 'upsert', object, externalIdFieldName: externalId } as const
  const job = connection.bulk2.createJob({ ...upsert, contentType: 'CSV', lineEnding: 'LF' })
  await job.open()
  await onOpen(job.id)
  const cells = [...rows].map(([userId, values]) => [
    String(userId),
    ...mapping.names.map((field) => (field in values ? String(values[field] ?? nothing) : '')),
  ])
  await connection.request({
    method: 'PUT',
    url: `/jobs/ingest/${job.id}/batches`,
    headers: { 'content-type': 'text/csv; charset=UTF-8' },
    body: writeCsv([externalId, ...mapping.names], cells),
  })
  await job.close()
  return job.id
}

/** Whether a job was given its rows: one that was not never ends. */
export async function wasBegun(connection: Connection, id: string): Promise<boolean> {
  const { state } = await connection.bulk2.job('ingest', { id }).check()
  return state !== 'Open'
}

/**
 * Waits for a job, and reads what became of its rows.
 *
 * @throws {JobFailed}
 */
export async function endOfUpsert(
  connection: Connection,
  settings: SalesforceSettings,
  id: string,
  signal: AbortSignal,
): Promise<Results> {
  const job = connection.bulk2.job('ingest', { id })
  const { state, errorMessage } = await ended(job, signal)
  if (state !== 'JobComplete')
    throw new JobFailed(`The job ${id} of Salesforce ended as ${state}: ${errorMessage ?? 'no reason'}`)
  const userIdOf = (row: Record<string, string>) => idIn(row[settings.externalId])
  const done = readCsv(await job.getSuccessfulResults(true))
  const failed = readCsv(await job.getFailedResults(true))
  const unprocessed = readCsv(await job.getUnprocessedRecords(true))
  return {
    done: new Map(done.map((row) => [userIdOf(row), valuesIn(row, settings.mapping.names)])),
    failed: new Map([
      ...unprocessed.map((row) => [userIdOf(row), 'Salesforce has not come to this row'] as const),
      ...failed.map((row) => [userIdOf(row), row.sf__Error || 'Salesforce gave no reason'] as const),
    ]),
  }
}

/** Ends a job that nobody waits for any more, and waits until it writes no more. */
export async function abandon(connection: Connection, id: string, signal: AbortSignal): Promise<void> {
  const job = connection.bulk2.job('ingest', { id })
  const { state } = await job.check()
  if (state === 'Open' || state === 'UploadComplete' || state === 'InProgress') await job.abort()
  await ended(job, signal)
}

async function ended(job: Job, signal: AbortSignal) {
  for (let pause = firstWait; ; pause = Math.min(pause * 2, longestWait)) {
    const { state, errorMessage } = await job.check()
    if (state === 'JobComplete' || state === 'Failed' || state === 'Aborted') return { state, errorMessage }
    await wait(pause, undefined, { signal })
  }
}

function idIn(cell = ''): number {
  if (!/^\d+$/.test(cell)) throw new Error('Salesforce gave results that do not name their users')
  return Number(cell)
}

function valuesIn(row: Record<string, string>, fields: readonly string[]): Values {
  const cells = fields.map((field) => [field, row[field] ?? ''] as const).filter(([, cell]) => cell !== '')
  return Object.fromEntries(cells.map(([field, cell]) => [field, cell === nothing ? null : cell]))
}
