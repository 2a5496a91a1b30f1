/** What people are told of users and contacts that both have changed. */

import type { FastifyBaseLogger } from 'fastify'
import type { SalesforceSettings } from './settings.ts'

export class Report {
  readonly #settings: Pick<SalesforceSettings, 'conflicts'>
  readonly #log: FastifyBaseLogger

  constructor(settings: Pick<SalesforceSettings, 'conflicts'>, log: FastifyBaseLogger) {
    this.#settings = settings
    this.#log = log
  }

  /** Logs it, and gives a sentence; nothing where there is none. */
  conflict(user: number, conflicts: Iterable<string>): string | undefined {
    const fields = [...conflicts].join(', ')
    if (fields === '') return undefined
    this.#log.warn({ connector: 'salesforce', user, fields }, 'a user and its contact have both changed')
    const whose = this.#settings.conflicts === 'server' ? "the server's value" : "Salesforce's value"
    return `Conflict: both sides have changed ${fields}; ${whose} has stayed`
  }
}
