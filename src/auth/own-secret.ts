/** The secret of a server that was given none: made at its first start, and kept in a file that only its user reads. */

import { randomBytes } from 'node:crypto'
import { existsSync, linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ConfigError } from '../config.ts'

const leastLength = 32

/**
 * Reads `secret` in a folder, or makes it with mode 0600.
 *
 * @throws {ConfigError} for a file that was cut short: what was made with the secret that it held is lost.
 */
export function ownSecret(folder: string): string {
  const file = join(folder, 'secret')
  if (!existsSync(file)) makeSecret(folder, file)
  const secret = readFileSync(file, 'utf8').trim()
  if (secret.length < leastLength) {
    throw new ConfigError(
      `${file} holds ${secret.length} characters, not the secret of ${leastLength} or more that it was made with; put it back, or delete the file for another one`,
    )
  }
  return secret
}

/** The file has its name once it is whole, and of two processes that start together one gives it. */
function makeSecret(folder: string, file: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const temporary = `${file}.${randomBytes(8).toString('hex')}`
  try {
    writeFileSync(temporary, randomBytes(32).toString('base64url'), { flag: 'wx', mode: 0o600, flush: true })
    linkSync(temporary, file)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  } finally {
    rmSync(temporary, { force: true })
  }
}
