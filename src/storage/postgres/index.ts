/** The scale-out engine: PostgreSQL, reads pipelined on one connection, writes from a pool. */

import pg from 'pg'
import type { Migration } from '../../schemas/collection.ts'
import { postgres } from '../dialect.ts'
import { pending } from '../migrations.ts'
import { emits } from '../outbox.ts'
import { type Arguments, bind, type Command, expectRows, type Row, type Statement, type Storage } from '../storage.ts'
import { isTransient, translate } from './errors.ts'
import { Reader } from './reader.ts'
import { Watch } from './watch.ts'

pg.types.setTypeParser(pg.types.builtins.INT8, Number)

/** Serialises migrations of processes that start together; any constant of our own. */
const migrationLock = 7_737_738

const attempts = 4

/** Opens a database by its URL; connections are made when they are first needed. */
export function openPostgres(url: string): Storage {
  return new PostgresStorage(url)
}

/** Of a request: how long the server may take, and how long to wait for one that does not answer at all. */
const limits = { statement_timeout: 10_000, query_timeout: 12_000 }

class PostgresStorage implements Storage {
  readonly dialect = postgres
  readonly #settings: pg.ClientConfig
  readonly #reader: Reader
  readonly #pool: pg.Pool
  #onChange: (() => void) | undefined
  #watch: Watch | undefined
  readonly #writing = new Set<Promise<unknown>>()

  constructor(url: string) {
    this.#settings = {
      connectionString: url,
      application_name: 'septet',
      connectionTimeoutMillis: 5000,
      keepAlive: true,
    }
    this.#reader = new Reader({ ...this.#settings, ...limits })
    this.#pool = new pg.Pool({ ...this.#settings, ...limits, max: 10 })
    // An idle connection that the server ends is replaced at the next write.
    this.#pool.on('error', () => {})
  }

  async first<Result extends object = Row>(statement: Statement, args: Arguments): Promise<Result | undefined> {
    const [row] = await this.all<Result>(statement, args)
    return row
  }

  async all<Result extends object = Row>(statement: Statement, args: Arguments): Promise<Result[]> {
    const { rows } = await this.#reader.query({
      name: statement.name,
      text: statement.sql,
      values: bind(statement, args),
    })
    return rows as Result[]
  }

  async texts(statement: Statement, args: Arguments): Promise<string[]> {
    const rows = await this.all(statement, args)
    return rows.map((row) => Object.values(row)[0] as string)
  }

  write(commands: readonly Command[]): Promise<Row[][]> {
    const writing = this.#write(commands).finally(() => this.#writing.delete(writing))
    this.#writing.add(writing)
    return writing
  }

  async #write(commands: readonly Command[]): Promise<Row[][]> {
    for (let attempt = 1; ; attempt++) {
      try {
        const rows = await this.#transact(commands)
        if (emits(commands)) this.#tell()
        return rows
      } catch (error) {
        if (attempt === attempts || !isTransient(error)) throw translate(error)
      }
    }
  }

  async #transact(commands: readonly Command[]): Promise<Row[][]> {
    const [only] = commands
    if (only && commands.length === 1 && only[2] === undefined) return [await run(this.#pool, only)]
    return transaction(this.#pool, async (client) => {
      const results: Row[][] = []
      for (const command of commands) results.push(await run(client, command))
      return results
    })
  }

  watch(onChange: () => void): void {
    this.#onChange = onChange
    this.#watch = new Watch(this.#settings, onChange)
  }

  #tell(): void {
    this.#onChange?.()
    this.#watch?.tell()
  }

  /** On a connection without limits: waiting for another process, or building an index, may take long. */
  async migrate(migrations: readonly Migration[]): Promise<string[]> {
    const pool = new pg.Pool({ ...this.#settings, max: 1 })
    pool.on('error', () => {})
    const applied = transaction(pool, async (client) => {
      await client.query('select pg_advisory_xact_lock($1)', [migrationLock])
      await client.query('create table if not exists migrations (id text primary key, applied_at text not null)')
      const { rows } = await client.query<{ id: string }>('select id from migrations')
      const missing = pending(migrations, new Set(rows.map(({ id }) => id)))
      for (const { id, up } of missing) {
        for (const step of up(postgres.migration)) await client.query(step.compile().sql)
        await client.query('insert into migrations (id, applied_at) values ($1, $2)', [id, new Date().toISOString()])
      }
      return missing.map(({ id }) => id)
    })
    try {
      return await applied
    } catch (error) {
      throw translate(error)
    } finally {
      await pool.end()
    }
  }

  async ping(): Promise<void> {
    await this.#reader.query({ text: 'select 1' })
  }

  /** A pool that ends forgets whoever waits for one of its connections: the writes come first. */
  async close(): Promise<void> {
    await Promise.allSettled(this.#writing)
    await Promise.all([this.#watch?.close(), this.#reader.close(), this.#pool.end()])
  }
}

async function run(client: pg.Pool | pg.PoolClient, command: Command): Promise<Row[]> {
  const [statement, args] = command
  const values = bind(statement, args)
  const { rows, rowCount } = await client.query<Row>({ name: statement.name, text: statement.sql, values })
  expectRows(command, rowCount ?? 0)
  return rows
}

async function transaction<Result>(pool: pg.Pool, body: (client: pg.PoolClient) => Promise<Result>): Promise<Result> {
  const client = await pool.connect()
  let failure: Error | undefined
  // A connection may be lost between two queries, when none of them would hear of it.
  const onLost = (error: Error) => {
    failure = error
  }
  client.on('error', onLost)
  try {
    await client.query('begin')
    const result = await body(client)
    await client.query('commit')
    return result
  } catch (error) {
    await client.query('rollback').catch((rollbackError: Error) => {
      failure = rollbackError
    })
    throw error
  } finally {
    client.off('error', onLost)
    client.release(failure)
  }
}
