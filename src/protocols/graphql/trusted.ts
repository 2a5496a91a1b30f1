/** Trusted documents: the ones that an application's own clients send, known before; others are not answered. */

import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

export class TrustedDocuments {
  readonly #byHash = new Map<string, { text: string; file: string }>()

  /** Reads the `.graphql` files of a folder, one document each. @throws when the folder cannot be read. */
  constructor(folder: string) {
    for (const file of readdirSync(folder).filter((name) => name.endsWith('.graphql'))) {
      const text = readFileSync(join(folder, file), 'utf8')
      this.#byHash.set(hashOf(text), { text, file })
    }
  }

  /** Texts by the names of their files. */
  get all(): Iterable<{ text: string; file: string }> {
    return this.#byHash.values()
  }

  has(text: string): boolean {
    return this.#byHash.has(hashOf(text))
  }

  /** The document with this SHA-256, in hexadecimal. */
  text(hash: string): string | undefined {
    return this.#byHash.get(hash)?.text
  }
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
