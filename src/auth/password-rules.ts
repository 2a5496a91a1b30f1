/** Which passwords are refused: too short, known to be common, or made of what anybody knows of their owner (NIST SP 800-63B section 3.1.1). */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Problem } from '../errors.ts'
import { fold } from '../schemas/email.ts'
import { normalise } from './passwords.ts'

const shortest = 10
const longest = 128

/** What must be left of a password when everything that is easy to guess is taken out of it, in characters. */
const shortestRest = 6

/** Words that people make passwords of when asked for a longer one, and the name of the product. */
const commonWords = `septet password passwort passw0rd p@ssword p@ssw0rd pass motdepasse contraseña senha parola qwerty
  azerty qwertz asdfgh zxcvbn 1q2w3e 1qaz2wsx welcome willkommen bienvenue letmein changeme iloveyou admin administrator
  login secret master monkey dragon football baseball sunshine princess superman batman trustno1 default guest test user
  summer winter spring autumn january february march april june july august september october november december
  123456789 12345678 123456 12345 1234 123 abcdef abc`.split(/\s+/)

/** What keyboards and alphabets have in a row. */
const rows = ['abcdefghijklmnopqrstuvwxyz', '0123456789012345678909876543210987654321', 'qwertyuiopasdfghjklzxcvbnm']

const common = new Set(
  readFileSync(join(import.meta.dirname, 'common-passwords.txt'), 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#')),
)

/** Of whom the password would be. */
export interface Owner {
  name: string
  email: string
}

/** Why this owner may not have this password, in words that continue "The password"; nothing when it is good. */
export function weaknessOf(password: string, owner: Owner): string | undefined {
  const text = normalise(password)
  const length = [...text].length
  if (length < shortest || length > longest) return `must have ${shortest} to ${longest} characters`
  const folded = fold(text)
  if (common.has(folded)) return 'is among those that are tried first'
  if (isRepetition(folded) || isRow(folded)) return 'is a repetition or a row'
  if ([...restOf(folded, owner)].length < shortestRest) return 'is made of common words, your name or your address'
  return undefined
}

/** @throws {Problem} `validation-failed` that points to the property of the body. */
export function refuseWeak(password: string, owner: Owner, property: string): void {
  const detail = weaknessOf(password, owner)
  if (detail === undefined) return
  throw new Problem('validation-failed', `The password ${detail}`, {
    errors: [{ in: 'body', pointer: `/${property}`, detail }],
  })
}

/** A unit of up to four characters, again and again. */
function isRepetition(text: string): boolean {
  return /^(.{1,4}?)\1+.{0,3}$/su.test(text)
}

function isRow(text: string): boolean {
  const backwards = [...text].reverse().join('')
  return rows.some((row) => row.includes(text) || row.includes(backwards))
}

/** What is left without common words and what is known of the owner; long words go first, and a run counts once. */
function restOf(folded: string, { name, email }: Owner): string {
  const known = [name, email].flatMap((text) => [fold(text), ...fold(text).split(/[^\p{L}\p{N}]+/u)])
  const words = [...known.map(normalise), ...commonWords].filter((word) => [...word].length >= 3)
  words.sort((a, b) => b.length - a.length)
  const rest = words.reduce((left, word) => left.replaceAll(word, ' '), folded)
  return rest.replaceAll(/\s+/g, '').replaceAll(/(.)\1+/gu, '$1')
}
