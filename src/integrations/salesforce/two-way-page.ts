/** A page of users and their contacts, which are looked at first: one job for those contacts that are to change. */

import type { UserRecords } from '../../connectors/connector.ts'
import type { Filled, Page, Pages } from './back-fill.ts'
import { canSay, type Results } from './bulk.ts'
import type { Contacts } from './contacts.ts'
import type { Jobs } from './jobs.ts'
import type { Link, Links } from './links.ts'
import { areSame, type Values } from './mapping.ts'
import { type Merge, merge } from './merge.ts'
import type { Seen } from './one-way.ts'
import { canBeBrought } from './refusal.ts'
import type { Report } from './report.ts'
import type { SalesforceSettings } from './settings.ts'
import type { Users } from './users.ts'

export interface TwoWayPageParts {
  settings: SalesforceSettings
  contacts: Contacts
  users: Users
  records: UserRecords
  links: Links
  jobs: Jobs
  report: Report
}

interface Pair extends Merge {
  link: Link
  /** Nothing where there are several. */
  seen: Seen | undefined
}

const none: Results = { done: new Map(), failed: new Map() }

export class TwoWayPages implements Pages {
  readonly #parts: TwoWayPageParts

  constructor(parts: TwoWayPageParts) {
    this.#parts = parts
  }

  /** Left is whom others have brought meanwhile, and who is to change; where a job was taken up, whoever still differs. */
  async fill(page: Page): Promise<Filled> {
    const earlier = await this.#parts.jobs.earlier(page)
    const pairs = await this.#look(page)
    const same = [...pairs].filter(([, pair]) => isSettled(pair))
    const rows = new Map([...pairs].filter(([, pair]) => earlier === undefined && isRow(pair)))
    const { done, failed } = earlier ?? (await this.#send(page, rows))
    const sent = [...rows].filter(([id]) => done.has(id))
    const agreed = await this.#agree([...same.filter(([, pair]) => !isNoted(pair)), ...sent])
    for (const [id, pair] of same) if (isNoted(pair)) agreed.add(id)
    for (const [id, { conflicts }] of sent) this.#parts.report.conflict(id, conflicts)
    const left = new Map<number, Seen | undefined>()
    for (const id of [...done.keys(), ...page.users.map((user) => user.id)])
      if (!agreed.has(id) && canBeBrought(failed.get(id))) left.set(id, rows.has(id) ? undefined : pairs.get(id)?.seen)
    return { failed: new Map([...failed].filter(([id]) => !left.has(id) && !agreed.has(id))), left }
  }

  async #look({ users, first, attempt }: Page): Promise<Map<number, Pair>> {
    const { settings, contacts, links, records } = this.#parts
    const { mapping, conflicts: winner } = settings
    const rules = { winner, settable: this.#parts.users.settable }
    const ids = users.map(({ id }) => id)
    // Before both sides: what another writes meanwhile is seen by its version.
    const linked = await links.of(ids)
    const now = (await records.behind(first - 1, users.length)).filter(({ id }) => linked.has(id))
    const found = await contacts.among(attempt, ids)
    return new Map(
      now.map((user) => {
        const [contact, ...others] = found.get(user.id) ?? []
        const link = linked.get(user.id) as Link
        const seen = others.length === 0 ? { contact, link } : undefined
        return [
          user.id,
          { ...merge(mapping.fields, { user: mapping.valuesOf(user), contact, link }, rules), link, seen },
        ]
      }),
    )
  }

  /** What was on its way when a process ends is no change of Salesforce's: it is noted before. */
  async #send(page: Page, rows: ReadonlyMap<number, Pair>): Promise<Results> {
    const { links, jobs } = this.#parts
    const intended = await links.intendAll(
      new Map([...rows].map(([id, { link, toContact }]) => [id, [link, toContact]])),
    )
    const values = new Map<number, Values>()
    for (const [id, link] of intended) {
      const pair = rows.get(id) as Pair
      pair.link = link
      values.set(id, pair.toContact)
    }
    return values.size === 0 ? none : jobs.upsert(page, values)
  }

  /** Gives those whom nobody has brought since. */
  #agree(pairs: readonly (readonly [number, Pair])[]): Promise<Set<number>> {
    const next = pairs.map(([id, { link, agreed, seen }]) => {
      return [id, [link, { ...link, agreed, modstamp: modstampOf(seen) }]] as const
    })
    return this.#parts.links.agreeAll(new Map(next))
  }
}

function isSettled({ seen, toContact, toUser }: Pair): boolean {
  return seen?.contact !== undefined && Object.keys({ ...toContact, ...toUser }).length === 0
}

function isRow(pair: Pair): boolean {
  const { seen, toContact, toUser } = pair
  return seen !== undefined && !isSettled(pair) && Object.keys(toUser).length === 0 && canSay(toContact)
}

function isNoted({ link, agreed, seen }: Pair): boolean {
  return modstampOf(seen) === link.modstamp && areSame(agreed, link.agreed)
}

function modstampOf(seen: Seen | undefined): string | null {
  return seen?.contact?.modstamp ?? null
}
