/** A page of users whose contacts are brought to what they are, whatever they were: one job for all. */

import type { UserRecord, UserRecords } from '../../connectors/connector.ts'
import type { Filled, Page, Pages } from './back-fill.ts'
import { canSay } from './bulk.ts'
import type { Jobs } from './jobs.ts'
import { isSame, type Values } from './mapping.ts'
import { canBeBrought } from './refusal.ts'
import type { SalesforceSettings } from './settings.ts'

export interface OneWayPageParts {
  settings: SalesforceSettings
  users: UserRecords
  jobs: Jobs
}

export class OneWayPages implements Pages {
  readonly #parts: OneWayPageParts

  constructor(parts: OneWayPageParts) {
    this.#parts = parts
  }

  /** Left is who has changed while the job was under way, and may have been overtaken by it. */
  async fill(page: Page): Promise<Filled> {
    const { settings, jobs, users } = this.#parts
    const { done, failed } = (await jobs.earlier(page)) ?? (await jobs.upsert(page, this.#rowsOf(page.users)))
    const now = new Map((await users.behind(page.first - 1, page.users.length)).map((user) => [user.id, user]))
    const left = new Map<number, undefined>()
    for (const id of [...done.keys(), ...page.users.map((user) => user.id)]) {
      const user = now.get(id)
      const isDone = user !== undefined && isWritten(settings.mapping.valuesOf(user), done.get(id))
      if (!isDone && canBeBrought(failed.get(id))) left.set(id, undefined)
    }
    return { failed: new Map([...failed].filter(([id]) => !left.has(id))), left }
  }

  #rowsOf(users: readonly UserRecord[]): Map<number, Values> {
    const rows = users.map((user) => [user.id, this.#parts.settings.mapping.valuesOf(user)] as const)
    return new Map(rows.filter(([, values]) => canSay(values)))
  }
}

function isWritten(values: Values, written: Values | undefined): boolean {
  return written !== undefined && Object.entries(values).every(([field, value]) => isSame(value, written[field]))
}
