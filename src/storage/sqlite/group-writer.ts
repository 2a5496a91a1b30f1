/** Group commit: all writes of one turn of the event loop share a transaction, and so one sync of the disk. */

import { bind, type Command, expectRows, type Row } from '../storage.ts'
import { type Connection, translate, unavailable } from './driver.ts'

interface Write {
  commands: readonly Command[]
  resolve: (rows: Row[][]) => void
  reject: (error: unknown) => void
}

export class GroupWriter {
  readonly #connection: Connection
  #waiting: Write[] = []

  constructor(connection: Connection) {
    this.#connection = connection
  }

  /** Resolves after the commit that holds these commands; they are all kept or none is. */
  write(commands: readonly Command[]): Promise<Row[][]> {
    return new Promise((resolve, reject) => {
      if (this.#waiting.push({ commands, resolve, reject }) === 1) setImmediate(() => this.#commit())
    })
  }

  /** Commits what is waiting. */
  async drain(): Promise<void> {
    this.#commit()
  }

  #commit(): void {
    const group = this.#waiting
    if (group.length === 0) return
    this.#waiting = []
    try {
      this.#connection.run('begin immediate')
      // A member that fails hears of it after the commit: until then, what it failed on may go again.
      const settle = group.map((write) => this.#run(write))
      this.#connection.run('commit')
      for (const each of settle) each()
    } catch (error) {
      this.#rollback()
      const problem = unavailable(error)
      for (const { reject } of group) reject(problem)
    }
  }

  /** Runs one member behind a savepoint: its failure is its own. A lone statement that fails undoes itself. */
  #run({ commands, resolve, reject }: Write): () => void {
    const alone = commands.length === 1 && commands[0]?.[2] === undefined
    if (!alone) this.#connection.run('savepoint member')
    try {
      const rows = commands.map((command) => this.#execute(command))
      if (!alone) this.#connection.run('release member')
      return () => resolve(rows)
    } catch (error) {
      // A full or failing disk ends the whole transaction (SQLITE_FULL, SQLITE_IOERR): the group fails as one.
      if (!this.#connection.inTransaction) throw error
      if (!alone) this.#undoMember()
      const reason = translate(error)
      return () => reject(reason)
    }
  }

  #execute(command: Command): Row[] {
    const [statement, args] = command
    const prepared = this.#connection.prepare(statement.sql)
    if (prepared.reader) {
      const rows = prepared.all(bind(statement, args)) as Row[]
      expectRows(command, rows.length)
      return rows
    }
    const { changes, lastInsertRowid } = prepared.run(bind(statement, args))
    expectRows(command, changes)
    return statement.givesId ? [{ id: lastInsertRowid }] : []
  }

  #rollback(): void {
    try {
      if (this.#connection.inTransaction) this.#connection.run('rollback')
    } catch {
      // The disk fails for this too; the next `begin` tells, and the file's log is rolled back when it is opened.
    }
  }

  #undoMember(): void {
    this.#connection.run('rollback to member')
    this.#connection.run('release member')
  }
}
