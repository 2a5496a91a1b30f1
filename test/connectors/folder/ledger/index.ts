/** A connector of the tests: keeps a ledger at a server of this machine up to date. */

import { type Static, Type } from '@sinclair/typebox'
import { ConfigError } from '../../../../src/config.ts'
import type { Connector, UserRecord } from '../../../../src/connectors/connector.ts'
import { settled } from '../../../../src/connectors/settle.ts'
import { Problem } from '../../../../src/errors.ts'

const settings = Type.Object({
  LEDGER_URL: Type.String({ format: 'uri', description: 'Where the ledger is.', examples: ['http://127.0.0.1:9'] }),
  LEDGER_SECRET: Type.String({
    minLength: 8,
    description: 'What its WebHooks prove themselves with.',
    examples: ['a secret'],
  }),
  LEDGER_NOTE: Type.Optional(Type.String({ description: 'What it is for.' })),
  LEDGER_SIZE: Type.Integer({ default: 2, minimum: 1, description: 'Users in one page of a back-fill.' }),
})

const connector: Connector<typeof settings> = {
  name: 'ledger',
  title: 'Ledger',
  description: 'Writes users down.',
  settings,
  types: ['user.*'],
  connect({ LEDGER_URL, LEDGER_SECRET, LEDGER_SIZE }: Static<typeof settings>, { users }) {
    const put = async (path: string, value: unknown, signal: AbortSignal): Promise<number> => {
      const { status } = await fetch(`${LEDGER_URL}${path}`, {
        method: 'POST',
        body: JSON.stringify(value ?? null),
        signal,
      })
      if (status !== 422 && status >= 300) throw new Error(`the ledger answered ${status}`)
      return status
    }
    return {
      ready() {
        if (!users.properties.includes('email')) throw new ConfigError('LEDGER_URL needs users with an address')
        if (LEDGER_SECRET === users.properties.join(' ')) throw new ConfigError('LEDGER_SECRET is easily guessed')
      },
      async send({ subject }, signal) {
        const id = Number(subject.split('/').at(-1))
        let status = 0
        await settled(
          () => users.get(id),
          async (user) => {
            status = await put(`/users/${id}`, user, signal)
          },
        )
        return status === 422
          ? { as: 'dead', status, error: 'the ledger does not take it' }
          : { as: 'delivered', status }
      },
      receive({ headers, body }) {
        if (headers['x-ledger-secret'] !== LEDGER_SECRET) throw new Problem('unauthenticated', 'The secret is not good')
        const { id, type } = JSON.parse(body.toString()) as { id: string; type: string }
        return [{ id, type, data: { text: body.toString() } }]
      },
      async handle({ id, data }, signal) {
        const status = await put(`/handled/${id}`, data, signal)
        return { as: 'delivered', status }
      },
      backFill: {
        size: LEDGER_SIZE,
        async users(page: readonly UserRecord[], signal) {
          const failed: { id: number; error: string }[] = []
          for (const user of page) {
            const status = await put(`/users/${user.id}`, user, signal)
            if (status === 422) failed.push({ id: user.id, error: 'the ledger does not take it' })
          }
          return { failed }
        },
      },
    }
  },
}

export default connector
