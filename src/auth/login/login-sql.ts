/** Statements over logins that have begun and codes of those that are finished. */

import { argument, type Dialect, statement, textArgument } from '../../storage/dialect.ts'
import type { Statement } from '../../storage/storage.ts'

/** A login that was begun. */
export interface AttemptRow {
  provider: string
  /** What only this login knows, sealed. */
  sealed: string
  browserMac: string
  redirect: string | null
  challenge: string | null
  /** Who links a further identity, and what that rests on; null where somebody signs in. */
  userId: number | null
  sessionId: string | null
  passwordMac: string | null
  expiresAt: string
}

/** What must come with a code; at least one of them is there. */
export interface CodeBinding {
  /** Of what the browser's cookie holds. */
  browserMac: string | null
  /** S256 of the verifier. */
  challenge: string | null
}

/** The code of a login that is finished, and whose it is. */
export interface CodeRow extends CodeBinding {
  mac: string
  expiresAt: string
  identityId: string
  provider: string
  userId: number
}

/** The arguments of a look-up under each of the secrets. */
export function macArguments(macs: readonly string[]): Record<string, string> {
  return Object.fromEntries(macs.map((mac, index) => [`mac${index}`, mac]))
}

export class LoginSql {
  readonly begin: Statement
  /** Gives an attempt and deletes it: of two that ask for it, one gets it. */
  readonly take: Statement
  /** Adds a code for an identity. */
  readonly addCode: Statement
  readonly findCode: Statement
  readonly useCode: Statement
  readonly forget: readonly Statement[]

  /** `secrets`: under how many a text may be stored. */
  constructor({ kysely }: Dialect, secrets: number) {
    const macs = Array.from({ length: secrets }, (_, index) => argument<string>(`mac${index}`))
    this.begin = statement(
      'login begin',
      kysely.insertInto('login_attempts').values({
        state_mac: argument('stateMac'),
        provider: argument('provider'),
        sealed: argument('sealed'),
        browser_mac: argument('browserMac'),
        redirect: argument('redirect'),
        challenge: argument('challenge'),
        user_id: argument('userId'),
        session_id: argument('sessionId'),
        password_mac: argument('passwordMac'),
        expires_at: argument('expiresAt'),
      }),
    )
    this.take = statement(
      'login take',
      kysely
        .deleteFrom('login_attempts')
        .where('state_mac', 'in', macs)
        .returning(['provider', 'sealed', 'browser_mac as browserMac', 'redirect', 'challenge'])
        .returning(['user_id as userId', 'session_id as sessionId', 'password_mac as passwordMac'])
        .returning('expires_at as expiresAt'),
    )
    const given = { mac: 'mac', browserMac: 'browser_mac', challenge: 'challenge', expiresAt: 'expires_at' }
    this.addCode = statement(
      'login code add',
      kysely
        .insertInto('login_codes')
        .columns([...Object.values(given), 'identity_id'])
        .expression(
          kysely
            .selectFrom('identities')
            .select([...Object.keys(given).map((name) => textArgument(name).as(name)), 'id'])
            .where('issuer', '=', argument('issuer'))
            .where('subject', '=', argument('subject')),
        ),
    )
    this.findCode = statement(
      'login code',
      kysely
        .selectFrom('login_codes as code')
        .innerJoin('identities as identity', 'identity.id', 'code.identity_id')
        .select(['code.mac', 'code.browser_mac as browserMac', 'code.challenge', 'code.expires_at as expiresAt'])
        .select(['identity.id as identityId', 'identity.provider', 'identity.user_id as userId'])
        .where('code.mac', 'in', macs),
    )
    this.useCode = statement('login code use', kysely.deleteFrom('login_codes').where('mac', '=', argument('mac')))
    this.forget = ['login_attempts', 'login_codes'].map((table) =>
      statement(`${table} forget`, kysely.deleteFrom(table).where('expires_at', '<=', argument('now'))),
    )
  }
}
