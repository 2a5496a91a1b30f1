/** The servers of the suite: one for each wire, kept while cases pass. */

import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import type { Test } from 'tap'
import { listen } from '../helper.ts'
import { makeKey } from '../keys.ts'
import type { Case, Keys } from './cases/case.ts'
import { person } from './cases/people.ts'
import type { Client, Result, Wire } from './clients/client.ts'

const routes = [join(import.meta.dirname, '../../examples/blog/routes'), join(import.meta.dirname, 'routes')]

/** For an answer; a client that waits in vain would hold the whole suite. */
const longest = 10_000

export interface Opened {
  app: FastifyInstance
  client: Client
  keys: Keys
}

/** A server with the example's resource and the routes of this suite beside its own, and a client of one wire. */
export async function open(t: Test, wire: Wire, settings: Case['settings'] = {}): Promise<Opened> {
  const { app, base } = await listen(t, { ACCESS_LOG: 'off', LOG_LEVEL: 'silent', ...settings }, routes)
  if (settings.SIGN_UP !== undefined) await register(app)
  return { app, client: await wire.open(t, base, app.contract), keys: await makeKeys(app) }
}

/** Signs up, and proves who reads the address. */
async function register(app: FastifyInstance): Promise<void> {
  const post = (url: string, payload: object) => app.inject({ method: 'POST', url, payload })
  await post('/auth/sign-up', person)
  await app.accounts.afterwards.done()
  const [notice] = await app.notices.pending()
  await post('/auth/verify-email', { token: notice?.token, password: person.password })
}

async function makeKeys(app: FastifyInstance): Promise<Keys> {
  const admin = app.apiKeys.first ?? ''
  const scopes = ['posts:read']
  const [readOnly, revoked, expired, replaced, overlapping] = await Promise.all([
    makeKey(app, admin, scopes),
    makeKey(app, admin, scopes),
    makeExpired(app, admin, scopes),
    makeKey(app, admin, scopes),
    makeKey(app, admin, scopes),
  ])
  const headers = { 'x-api-key': admin }
  const rotate = (id: string, overlap: number) =>
    app.inject({ method: 'POST', url: `/keys/${id}/rotate`, headers, payload: { overlap } })
  const [renewed] = await Promise.all([
    rotate(replaced.id, 0),
    rotate(overlapping.id, 60),
    app.inject({ method: 'DELETE', url: `/keys/${revoked.id}`, headers }),
  ])
  return {
    admin,
    readOnly: readOnly.key,
    revoked: revoked.key,
    expired,
    replaced: replaced.key,
    overlapping: overlapping.key,
    renewed: renewed.json<{ key: string }>().key,
  }
}

/** Made to be good for a moment, and for a longer one where the machine was too slow for that. */
async function makeExpired(app: FastifyInstance, by: string, scopes: string[], life = 100): Promise<string> {
  const until = Date.now() + life
  try {
    const { key } = await makeKey(app, by, scopes, { expiresAt: new Date(until).toISOString() })
    await wait(Math.max(0, until - Date.now()) + 1)
    return key
  } catch (error) {
    if (life > longest) throw error
    return makeExpired(app, by, scopes, life * 4)
  }
}

/** Keeps the server of each wire for the cases to come. */
export class Servers {
  readonly #t: Test
  readonly #opened = new Map<string, Promise<Opened>>()

  constructor(t: Test) {
    this.#t = t
  }

  of(wire: Wire, settings: Case['settings'] = {}): Promise<Opened> {
    const name = `${wire.name} ${JSON.stringify(settings)}`
    const opened = this.#opened.get(name) ?? open(this.#t, wire, settings)
    this.#opened.set(name, opened)
    return opened
  }

  /** After a case that has failed: on one wire it may have changed what it did not on another. */
  renew(): void {
    this.#opened.clear()
  }
}

/** Calls the steps of a case; `expected` is told of each result. */
export async function run(
  { client, keys }: Opened,
  { steps }: Case,
  expected: (result: Result, index: number, pattern: object) => void = () => {},
): Promise<Result[]> {
  const results: Result[] = []
  for (const [index, each] of steps.entries()) {
    const { operationId, input, headers, expect } = typeof each === 'function' ? each(results) : each
    const sent = typeof headers === 'function' ? headers(keys) : headers
    const result = await Promise.race([client.call(operationId, input, sent), late(operationId)])
    expected(result, index, expect)
    results.push(result)
  }
  return results
}

async function late(operationId: string): Promise<never> {
  await wait(longest, undefined, { ref: false })
  throw new Error(`${operationId} was not answered`)
}
