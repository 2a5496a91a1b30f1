import root, { type Test, test } from 'tap'
import { catalogue } from '../../src/errors.ts'
import type { Case } from './cases/case.ts'
import { beforeAnyCall } from './cases/failures.ts'
import { paymentSettings } from './cases/payments.ts'
import { cases, coveredElsewhere } from './cases.ts'
import type { Result, Wire } from './clients/client.ts'
import { dataChannel } from './clients/data-channel.ts'
import { graphql } from './clients/graphql.ts'
import { grpc } from './clients/grpc.ts'
import { jsonRpc } from './clients/json-rpc.ts'
import { rest } from './clients/rest.ts'
import { soap } from './clients/soap.ts'
import { run, Servers } from './server.ts'

const wires: readonly Wire[] = [graphql, grpc, jsonRpc, dataChannel, soap]
const servers = new Servers(root)
/** What the cases so far have called and met. */
const called = new Set<string>()
const met = new Set<string>()

for (const each of cases) {
  test(each.name, async (t) => {
    const able = wires.filter((wire) => canSay(t, wire, each))
    const opened = await Promise.all([rest, ...able].map((wire) => servers.of(wire, each.settings)))
    const [reference, ...others] = await Promise.all(opened.map((server) => run(server, each)))
    compare(t, each, able, reference as Result[], others)
    if (!t.passing()) servers.renew()
  })
}

/** Each result of REST with what its step expects, those of the other wires with that of REST. */
function compare(
  t: Test,
  { steps }: Case,
  able: readonly Wire[],
  reference: readonly Result[],
  others: readonly Result[][],
): void {
  for (const [index, each] of steps.entries()) {
    const step = typeof each === 'function' ? each(reference.slice(0, index)) : each
    const expected = reference[index] as Result
    called.add(step.operationId)
    if (expected.problem && step.operationId !== 'failWith') met.add(expected.problem.code)
    fits(t, expected, step.expect, `REST: ${step.operationId}`)
    for (const [number, wire] of able.entries()) {
      const result = others[number]?.[index] as Result
      const name = `${wire.name}: ${step.operationId}`
      const instead = step.differs?.[wire.name] ?? step.differs?.others
      if (instead) fits(t, result, instead.expect, `${name}, as ${instead.reason}`)
      else t.strictSame(comparable(result, wire, result), comparable(expected, wire, result), name)
    }
  }
}

/** Whether a wire has words for a case. */
function canSay(t: Test, { name, unsaid = [] }: Wire, each: Case): boolean {
  const [, reason] = unsaid.find(([names]) => names.test(each.name)) ?? []
  if (reason !== undefined) t.comment(`${name} cannot say it: ${reason}`)
  return reason === undefined
}

function fits(t: Test, result: Result, pattern: object, name: string): void {
  t.match(result, pattern, name)
  t.ok(fitsInLength(result, pattern), `${name}: lists are as long as expected`)
}

/** `t.match` takes a list for one that begins so. */
function fitsInLength(value: unknown, pattern: unknown): boolean {
  if (typeof pattern !== 'object' || pattern === null || pattern instanceof RegExp) return true
  if (Array.isArray(pattern) && pattern.length !== (value as unknown[] | undefined)?.length) return false
  return Object.entries(pattern).every(([name, own]) => fitsInLength((value as Record<string, unknown>)?.[name], own))
}

/** Without what differs with each request or server, and what the wire cannot say. */
function comparable(result: Result, { differences }: Wire, own: Result): object {
  const { value, problem, meta } = differences
    .filter(({ when }) => when === undefined || when(own))
    .reduce((seen, { normalise }) => normalise(seen), result)
  return {
    value: timeless(value ?? null),
    problem: problem && { ...problem, requestId: '', violations: problem.pointers.length > 0 && problem.violations },
    meta: Object.fromEntries(
      Object.entries(meta)
        // What is left of an hour.
        .map(([name, text]) => [name, name === 'retry-after' && text.length > 3 ? '…' : text] as const)
        .sort(([a], [b]) => (a < b ? -1 : 1)),
    ),
  }
}

/** Texts that are never the same twice, by the names of their properties. */
const changing = [
  'createdAt|updatedAt|revokedAt|previousUntil|disabledAt|nextAt|since|startedAt|endedAt|joinedAt|seenAt',
  'time|source|requestId|userAgent|key|secret|publicKey|accessToken|refreshToken|username|credential|expiresAt',
].join('|')

function timeless(value: unknown): unknown {
  const text = JSON.stringify(value)
    .replaceAll(new RegExp(`"(${changing})":"[^"]*"`, 'g'), '"$1":"…"')
    .replaceAll(/"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}(-\d+)*"/g, '"…"')
    .replaceAll(/"(api-key:)?[0-9A-Za-z]{12}"/g, '"$1…"')
    .replaceAll(/"[\w-]{22}"/g, '"…"')
    // Ids and secrets of Stripe.
    .replaceAll(/\b(pi|cs_test|re)_[0-9a-f]{18}(_secret_[0-9a-f]{18})?/g, '$1_…')
  // Whether a key was used by now, a slow machine decides.
  return JSON.parse(text, (name, each) => (name === 'lastUsedAt' ? undefined : each))
}

test('every operation has a case, but those of resources that are tested elsewhere', async (t) => {
  const { app } = await servers.of(rest, paymentSettings)
  const own = [...app.contract.values()].filter(({ tag }) => !coveredElsewhere.includes(tag))
  const names = own.map(({ operationId }) => operationId)
  t.ok(names.length > 20)
  t.same(names.filter((name) => !called.has(name)).sort(), [])
})

test('what a wire has no words for are cases', (t) => {
  for (const { name, unsaid = [] } of wires) {
    const without = unsaid.filter(([names]) => !cases.some((each) => names.test(each.name)))
    t.same(without, [], name)
  }
  t.end()
})

test('every code of the closed list is met by a call, or stands in a list with the reason why none meets it', (t) => {
  const known = Object.keys(catalogue)
  t.same([...met, ...Object.keys(beforeAnyCall)].sort(), known.sort())
  t.end()
})

test('calls of two principals at once do not mix', async (t) => {
  for (const wire of [rest, ...wires]) {
    const { client, keys } = await servers.of(wire)
    const credentials = Array.from({ length: 60 }, (_, index) => (index % 2 === 0 ? keys.admin : keys.readOnly))
    const results = await Promise.all(
      credentials.map((key) => client.call('getMe', {}, { authorization: `Bearer ${key}` })),
    )
    const ids = results.map(({ value }) => (value as { id: string }).id)
    t.same(
      ids,
      ids.map((_, index) => ids[index % 2]),
      wire.name,
    )
    t.not(ids[0], ids[1])
  }
})
