/** A server that answers as Stripe does: judged by its specification, with its idempotency, its failures and its signatures. */

import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { setTimeout as wait } from 'node:timers/promises'
import type { Test } from 'tap'
import { Account, Refusal, type StripeEvent, type Thing } from './account.ts'
import { type Judged, judge, Misfit, specifiedVersion, type Values } from './specification.ts'

const secretKey = 'sk_test_counterpart'
export const webhookSecret = 'whsec_counterpart'

/** How requests fail: those whose method and path the pattern fits, so many times. */
export interface Fault {
  on: RegExp
  times: number
  /** `drop`: the connection ends before anything is done; `lose`: after it. `keep`: 500 that is kept under the key. */
  as: 'drop' | 'lose' | 'keep' | 'act-and-keep' | 'act' | number
  retryAfter?: number
  /** For as long it is under way, in ms. */
  slow?: number
  /** Told once it is done, before the answer. */
  onActed?: () => unknown
}

export interface Seen {
  method: string
  path: string
  key: string | undefined
  status: number
  values: Values
}

interface Kept {
  fingerprint: string
  answer: { status: number; body: Values } | undefined
}

interface Answered {
  status: number
  body: Values
  headers?: Record<string, string>
}

export class Counterpart {
  readonly account = new Account()
  /** Requests that were answered, or whose answer was lost. */
  readonly seen: Seen[] = []
  readonly faults: Fault[] = []
  /** Requests that have come so far. */
  asked = 0
  /** Whether nobody answers. */
  isDown = false
  settings: Record<string, string> = {}
  readonly #keys = new Map<string, Kept>()

  /** As after the day for which Stripe keeps them. */
  forgetKeys(): void {
    this.#keys.clear()
  }

  fail(on: RegExp, as: Fault['as'], more: Partial<Fault> = {}): void {
    this.faults.push({ on, as, times: 1, ...more })
  }

  /** What was asked for so far: `POST /v1/refunds`. */
  count(on: RegExp): number {
    return this.seen.filter(({ method, path }) => on.test(`${method} ${path}`)).length
  }

  async respond(request: IncomingMessage, reply: ServerResponse): Promise<void> {
    const { method = '', socket } = request
    this.asked += 1
    const url = new URL(request.url ?? '', 'http://stripe')
    const body = await text(request)
    const fault = this.#faultOf(`${method} ${url.pathname}`)
    if (this.isDown || fault?.as === 'drop') return void socket.destroy()
    const answered = await this.#answer(request, url, body, fault)
    if (fault?.as === 'lose') return void socket.destroy()
    const { status, body: given, headers } = answered
    reply.writeHead(status, { 'content-type': 'application/json', 'request-id': 'req_counterpart', ...headers })
    reply.end(JSON.stringify(given))
  }

  async #answer(request: IncomingMessage, url: URL, body: string, fault: Fault | undefined): Promise<Answered> {
    const { method = '', headers } = request
    const key = headers['idempotency-key'] as string | undefined
    const seen = { method, path: url.pathname, key, values: {} as Values }
    const note = (answered: Answered, values: Values = {}): Answered => {
      this.seen.push({ ...seen, values, status: answered.status })
      return answered
    }
    const early = refusedBefore(headers, fault)
    if (early) return note(early)
    let judged: Judged
    try {
      if (method === 'POST' && headers['content-type'] !== 'application/x-www-form-urlencoded')
        throw new Misfit(`Invalid content type ${headers['content-type']}`)
      judged = judge(method, url, body)
    } catch (error) {
      if (!(error instanceof Misfit)) throw error
      return note(failed(400, { type: 'invalid_request_error', message: error.message, param: error.param }))
    }
    const known = method === 'POST' && key !== undefined ? this.#keys.get(key) : undefined
    const fingerprint = `${url.pathname} ${JSON.stringify(judged.values)}`
    if (known) return note(await replayOf(known, fingerprint), judged.values)
    const kept: Kept = { fingerprint, answer: undefined }
    if (method === 'POST' && key !== undefined) this.#keys.set(key, kept)
    // Under way: who comes with the same key now is told so.
    if (fault?.slow) await wait(fault.slow)
    const answered = this.#act(judged, fault)
    await fault?.onActed?.()
    kept.answer = structuredClone(answered)
    return note(answered, judged.values)
  }

  #act(judged: Judged, fault: Fault | undefined): Answered {
    const broken = failed(500, { type: 'api_error', message: 'An unknown error occurred' })
    if (fault?.as === 'keep') return broken
    try {
      const body = this.#run(judged)
      return fault?.as === 'act-and-keep' ? broken : { status: 200, body: structuredClone(body) }
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      return failed(error.status, structuredClone(error.error))
    }
  }

  #run({ operationId, path, values }: Judged): Values {
    const { account } = this
    const { expand, ...own } = values
    const expanded = (thing: Thing) => this.#expanded(thing, (expand ?? []) as string[])
    switch (operationId) {
      case 'PostCustomers':
        return account.createCustomer(own)
      case 'PostCustomersCustomer':
        return account.updateCustomer(path.customer ?? '', own)
      case 'DeleteCustomersCustomer':
        return account.deleteCustomer(path.customer ?? '')
      case 'GetCustomers':
        return listOf(account.customers, own)
      case 'GetCustomersSearch':
        return searchOf(account.customers, String(own.query))
      case 'PostPaymentIntents':
        return expanded(account.createIntent(own))
      case 'GetPaymentIntents':
        return listOf(account.intents, own)
      case 'GetPaymentIntentsIntent':
        return expanded(account.find(account.intents, path.intent ?? '', 'payment_intent'))
      case 'PostPaymentIntentsIntentConfirm':
        return expanded(account.confirm(path.intent ?? ''))
      case 'PostPaymentIntentsIntentCancel':
        return account.cancelIntent(path.intent ?? '')
      case 'PostCheckoutSessions':
        return expanded(account.createSession(own))
      case 'GetCheckoutSessions':
        return listOf(account.sessions, own)
      case 'GetCheckoutSessionsSession':
        return expanded(account.find(account.sessions, path.session ?? '', 'checkout.session'))
      case 'PostCheckoutSessionsSessionExpire':
        return account.expireSession(path.session ?? '')
      case 'PostRefunds':
        return account.createRefund(own)
      case 'GetRefunds':
        return listOf(account.refunds, own)
      case 'GetRefundsRefund':
        return account.find(account.refunds, path.refund ?? '', 'refund')
      default:
        throw new Refusal(501, { type: 'api_error', message: `${operationId} is not played here` })
    }
  }

  /** What `expand` names in the place of its id: `payment_intent.latest_charge`. */
  #expanded(thing: Thing, paths: readonly string[]): Thing {
    const own = { ...thing }
    const { intents, charges } = this.account
    for (const path of paths) {
      const [first = '', ...rest] = path.split('.')
      const found = { payment_intent: intents, latest_charge: charges }[first]?.get(String(own[first]))
      if (found) own[first] = this.#expanded(found, rest.length > 0 ? [rest.join('.')] : [])
    }
    return own
  }

  #faultOf(what: string): Fault | undefined {
    const fault = this.faults.find(({ on, times }) => times > 0 && on.test(what))
    if (fault) fault.times -= 1
    return fault
  }
}

/** Starts it on this machine; it ends with the test. */
export async function openCounterpart(t: Test): Promise<Counterpart> {
  const counterpart = new Counterpart()
  const server = createServer((request, reply) => {
    counterpart.respond(request, reply).catch((error: unknown) => {
      t.fail('the counterpart has failed', { error })
      reply.destroy()
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close().closeAllConnections())
  counterpart.settings = {
    STRIPE_SECRET_KEY: secretKey,
    STRIPE_WEBHOOK_SECRET: webhookSecret,
    STRIPE_API_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    STRIPE_SUCCESS_URL: 'https://shop.example.com/paid',
  }
  return counterpart
}

/** An event as Stripe posts it: its text, and the header that signs it (docs.stripe.com/webhooks, "Verify manually"). */
export function signed(event: StripeEvent | string, secret = webhookSecret, at = Date.now()) {
  const body = typeof event === 'string' ? event : JSON.stringify(event, null, 2)
  const timestamp = Math.floor(at / 1000)
  const signature = createHmac('sha256', secret).update(`${timestamp}.${body}`).digest('hex')
  const headers = { 'content-type': 'application/json', 'stripe-signature': `t=${timestamp},v1=${signature},v0=0` }
  return { body, headers }
}

/** What is said before the request is looked into. It is kept under no key. */
function refusedBefore(headers: IncomingMessage['headers'], fault: Fault | undefined): Answered | undefined {
  if (headers.authorization !== `Bearer ${secretKey}`) {
    return failed(401, { type: 'invalid_request_error', message: 'Invalid API Key provided: sk_test_*****rong' })
  }
  if (headers['stripe-version'] !== specifiedVersion) {
    return failed(400, {
      type: 'invalid_request_error',
      message: `Invalid Stripe API version: ${headers['stripe-version']}`,
    })
  }
  if (typeof fault?.as !== 'number') return undefined
  const answered = failed(fault.as, {
    type: fault.as === 429 ? 'invalid_request_error' : 'api_error',
    message: 'Not now',
  })
  return fault.retryAfter === undefined
    ? answered
    : { ...answered, headers: { 'retry-after': String(fault.retryAfter) } }
}

async function replayOf(known: Kept, fingerprint: string): Promise<Answered> {
  if (known.fingerprint !== fingerprint) {
    const message = 'Keys for idempotent requests can only be used with the same parameters they were first used with.'
    return failed(400, { type: 'idempotency_error', message })
  }
  if (known.answer === undefined) {
    const message = 'There is currently another in-progress request using this Idempotent Key.'
    return failed(409, { type: 'idempotency_error', code: 'idempotency_key_in_use', message })
  }
  return { ...known.answer, headers: { 'idempotent-replayed': 'true' } }
}

function failed(status: number, error: Values): Answered {
  return { status, body: { error } }
}

/** The newest first, by the page. */
function listOf(things: ReadonlyMap<string, Thing>, query: Values): Values {
  const { limit = 10, starting_after: after, created, ...filter } = query as { limit?: number } & Values
  const from = (created as { gte?: number } | undefined)?.gte ?? 0
  const all = [...things.values()]
    .reverse()
    .filter((thing) => thing.created >= from && Object.entries(filter).every(([name, value]) => thing[name] === value))
  const start = after === undefined ? 0 : all.findIndex(({ id }) => id === after) + 1
  const data = all.slice(start, start + Number(limit))
  return { object: 'list', data, has_more: start + Number(limit) < all.length, url: '/v1/things' }
}

function searchOf(things: ReadonlyMap<string, Thing>, query: string): Values {
  const [, name = '', value] = /^metadata\['(\w+)'\]:'([\w-]+)'$/.exec(query) ?? []
  const data = [...things.values()].filter(({ metadata }) => value !== undefined && metadata[name] === value)
  return { object: 'search_result', data, has_more: false, url: '/v1/customers/search' }
}
