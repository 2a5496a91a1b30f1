/** A customer at Stripe for each user: made once, and brought to what the user is now. */

import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import type { Stripe } from 'stripe'
import type { UserRecords } from '../../connectors/connector.ts'
import { settled } from '../../connectors/settle.ts'
import { argument, type Dialect, selected, statement } from '../../storage/dialect.ts'
import type { Statement, Storage } from '../../storage/storage.ts'
import { isKept, isMissing } from './failures.ts'

/** For how long Stripe knows doubles by their key, in ms; an hour less than the day that it says. */
const keyLife = 82_800_000
/** Clocks may differ by this, in seconds. */
const clockSkew = 3600

interface CustomerRow {
  userId: number
  reference: string
  attempt: number
  customerId: string | null
  createdAt: string
}

export class Customers {
  readonly #stripe: Stripe
  readonly #engine: Storage
  readonly #users: UserRecords
  readonly #sql: CustomerSql
  readonly #running = new Map<number, Promise<string>>()

  constructor(stripe: Stripe, engine: Storage, users: UserRecords) {
    this.#stripe = stripe
    this.#engine = engine
    this.#users = users
    this.#sql = new CustomerSql(engine.dialect)
  }

  /** Makes the customer what the user is now; deletes that of a user who is gone. */
  settle(userId: number, signal?: AbortSignal): Promise<void> {
    return settled(
      async () => {
        signal?.throwIfAborted()
        const user = await this.#users.get(userId)
        return user && { name: user.name, email: user.email }
      },
      (now) => (now === undefined ? this.#remove(userId) : this.#update(userId, now)),
    )
  }

  /** The customer of a user, made where there is none; with its name and address as far as they are known there. */
  idOf(userId: number): Promise<string> {
    const running = this.#running.get(userId)
    if (running) return running
    const started = this.#find(userId).finally(() => this.#running.delete(userId))
    this.#running.set(userId, started)
    return started
  }

  /** Another customer in the place of one that Stripe no longer has; nothing where the user is gone too. */
  async replace(userId: number, gone: string): Promise<string | undefined> {
    if ((await this.#users.get(userId)) === undefined) return undefined
    await this.#engine.write([[this.#sql.replace, { userId, gone, ...fresh() }]])
    return this.idOf(userId)
  }

  async #update(userId: number, now: { name: string; email: string }): Promise<void> {
    const id = await this.idOf(userId)
    try {
      await this.#stripe.customers.update(id, now)
    } catch (error) {
      if (!isMissing(error)) throw error
      const replaced = await this.replace(userId, id)
      if (replaced !== undefined) await this.#stripe.customers.update(replaced, now)
    }
  }

  async #remove(userId: number): Promise<void> {
    if ((await this.#row(userId)) === undefined) return
    // One that was asked for and never recorded is found, or made, by its key: then it can be deleted.
    const id = await this.idOf(userId)
    try {
      await this.#stripe.customers.del(id)
    } catch (error) {
      if (!isMissing(error)) throw error
    }
    await this.#engine.write([[this.#sql.forget, { userId, customerId: id }]])
  }

  async #find(userId: number): Promise<string> {
    let row = await this.#row(userId)
    if (row === undefined) {
      await this.#engine.write([[this.#sql.insert, { userId, ...fresh() }]])
      row = await this.#row(userId)
    }
    if (row === undefined) throw new Error(`the customer of user ${userId} was forgotten at the same moment`)
    if (row.customerId !== null) return row.customerId
    const { id } = await this.#obtain(row)
    await this.#engine.write([[this.#sql.record, { userId, reference: row.reference, customerId: id }]])
    return id
  }

  /** Under a key that Stripe knows doubles by; where it no longer may, what is there is looked for first. */
  async #obtain(row: CustomerRow): Promise<{ id: string }> {
    const isOld = Date.now() - Date.parse(row.createdAt) > keyLife
    const known = isOld ? await this.#search(row) : undefined
    if (known) return known
    try {
      return await this.#create(row)
    } catch (error) {
      if (!isKept(error)) throw error
    }
    const made = await this.#listed(row)
    if (made) return made
    await this.#engine.write([[this.#sql.renew, { userId: row.userId, attempt: row.attempt }]])
    return this.#create({ ...row, attempt: row.attempt + 1 })
  }

  /** With what never changes, so that the key always comes with the same parameters. */
  #create({ userId, reference, attempt }: CustomerRow): Promise<{ id: string }> {
    const idempotencyKey = `septet-customer-${reference}${attempt === 0 ? '' : `-${attempt}`}`
    const metadata = { septet_user: String(userId), septet_customer: reference }
    return this.#stripe.customers.create({ metadata }, { idempotencyKey })
  }

  /** Found some minutes late, and however old it is. */
  async #search({ reference }: CustomerRow): Promise<{ id: string } | undefined> {
    const query = `metadata['septet_customer']:'${reference}'`
    return (await this.#stripe.customers.search({ query, limit: 1 })).data[0]
  }

  /** Found at once. */
  async #listed({ reference, createdAt }: CustomerRow): Promise<{ id: string } | undefined> {
    const gte = Math.floor(Date.parse(createdAt) / 1000) - clockSkew
    for await (const customer of this.#stripe.customers.list({ created: { gte }, limit: 100 })) {
      if (customer.metadata?.septet_customer === reference) return customer
    }
    return undefined
  }

  async #row(userId: number): Promise<CustomerRow | undefined> {
    return this.#engine.first<CustomerRow>(this.#sql.get, { userId })
  }
}

function fresh(): { reference: string; now: string } {
  return { reference: randomUUID(), now: new Date().toISOString() }
}

const columns = {
  userId: 'user_id',
  reference: 'reference',
  attempt: 'attempt',
  customerId: 'customer_id',
  createdAt: 'created_at',
}

class CustomerSql {
  readonly get: Statement
  /** Nothing where there is one. */
  readonly insert: Statement
  readonly record: Statement
  readonly renew: Statement
  readonly replace: Statement
  readonly forget: Statement

  constructor({ kysely }: Dialect) {
    const table = 'stripe_customers'
    const update = () => kysely.updateTable(table).where('user_id', '=', argument('userId'))
    this.get = statement(
      'stripe customer',
      kysely.selectFrom(table).select(selected(columns)).where('user_id', '=', argument('userId')),
    )
    this.insert = statement(
      'stripe customer insert',
      kysely
        .insertInto(table)
        .values({
          user_id: argument('userId'),
          reference: argument('reference'),
          attempt: 0,
          customer_id: null,
          created_at: argument('now'),
        })
        .onConflict((conflict) => conflict.column('user_id').doNothing()),
    )
    this.record = statement(
      'stripe customer record',
      update()
        .set({ customer_id: argument('customerId') })
        .where('reference', '=', argument('reference')),
    )
    this.renew = statement(
      'stripe customer renew',
      update().set({ attempt: sql`attempt + 1` }).where('attempt', '=', argument('attempt')),
    )
    this.replace = statement(
      'stripe customer replace',
      update()
        .set({ reference: argument('reference'), attempt: 0, customer_id: null, created_at: argument('now') })
        .where('customer_id', '=', argument('gone')),
    )
    this.forget = statement(
      'stripe customer forget',
      kysely
        .deleteFrom(table)
        .where('user_id', '=', argument('userId'))
        .where('customer_id', '=', argument('customerId')),
    )
  }
}
