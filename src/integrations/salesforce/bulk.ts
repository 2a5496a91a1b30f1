/** Upserts by Bulk API 2.0: a job is made, given its rows, and asked for until it has ended. */

import { setTimeout as wait } from 'node:timers/promises'
import type { Connection } from 'jsforce/lib/connection.js'
import { readCsv, writeCsv } from './csv.ts'
import type { Values } from './mapping.ts'
import type { SalesforceSettings } from './settings.ts'

/** Rows by the id of their user; of each, the fields that are set. */
export type Rows = ReadonlyMap<number, Values>

/** In ms: before the second question how far it is, and at most before each further one. */
const firstWait = 250
const longestWait = 10_000

/** A job that has ended without its rows done: it is of no use to ask for it again. */
export class JobFailed extends Error {
  override readonly name = 'JobFailed'
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
    // An empty cell changes nothing.
    ...mapping.names.map((field) => (field in values ? cellOf(values[field]) : '')),
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

/**
 * Waits for a job; gives why rows have failed, by the id of their user.
 *
 * @throws {JobFailed}
 */
export async function endOfUpsert(
  connection: Connection,
  { externalId }: SalesforceSettings,
  id: string,
  signal: AbortSignal,
): Promise<Map<number, string>> {
  const job = connection.bulk2.job('ingest', { id })
  const { state, errorMessage } = await ended(job, signal)
  if (state !== 'JobComplete')
    throw new JobFailed(`The job ${id} of Salesforce ended as ${state}: ${errorMessage ?? 'no reason'}`)
  const failed = readCsv(await job.getFailedResults(true))
  const unprocessed = readCsv(await job.getUnprocessedRecords(true))
  return new Map([
    ...unprocessed.map((row) => [Number(row[externalId]), 'Salesforce has not come to this row'] as const),
    ...failed.map((row) => [Number(row[externalId]), row.sf__Error || 'Salesforce gave no reason'] as const),
  ])
}

/** Ends a job of which nobody knows the rows any more, and waits until it writes no more. */
export async function abandon(connection: Connection, id: string, signal: AbortSignal): Promise<void> {
  const job = connection.bulk2.job('ingest', { id })
  const { state } = await job.check()
  if (state === 'Open' || state === 'UploadComplete' || state === 'InProgress') await job.abort()
  await ended(job, signal)
}

async function ended(job: ReturnType<Connection['bulk2']['createJob']>, signal: AbortSignal) {
  for (let pause = firstWait; ; pause = Math.min(pause * 2, longestWait)) {
    const { state, errorMessage } = await job.check()
    if (state === 'JobComplete' || state === 'Failed' || state === 'Aborted') return { state, errorMessage }
    await wait(pause, undefined, { signal })
  }
}

function cellOf(value: unknown): string {
  return value === null ? '#N/A' : String(value)
}
