/**
 * Rendered rows and pages kept in memory, for an engine that knows all its writers: a hit costs neither SQL nor JSON.
 */

import type { TObject } from '@sinclair/typebox'
import { LRUCache } from 'lru-cache'
import { JsonText } from '../contract/json-text.ts'
import type { Found, Page } from './collection.ts'

/** Bytes that an entry takes beside its text, roughly. */
const overhead = 200

/** Pages kept at most; they go with every write. */
const maxPages = 200

export class Kept {
  readonly #maxSize: number
  readonly #generation: () => number
  #seen = 0
  readonly #rows = new Map<TObject, LRUCache<number, Found<unknown>>>()
  readonly #pages = new Map<TObject, LRUCache<string, Page<unknown>>>()

  /** `maxSize` of each view's rows, about in bytes; a new `generation` means that somebody else has written. */
  constructor(maxSize: number, generation: () => number) {
    this.#maxSize = maxSize
    this.#generation = generation
  }

  row(view: TObject, id: number): Found<unknown> | undefined {
    this.#lookElsewhere()
    return this.#rows.get(view)?.get(id)
  }

  keepRow(view: TObject, found: Found<unknown>): void {
    const rows = this.#rows.get(view) ?? this.#cache(this.#rows, view, new LRUCache({ maxSize: this.#maxSize }))
    rows.set(found.id, found, { size: sizeOf(found.json) })
  }

  page(view: TObject, key: string): Page<unknown> | undefined {
    this.#lookElsewhere()
    return this.#pages.get(view)?.get(key)
  }

  keepPage(view: TObject, key: string, page: Page<unknown>): void {
    const pages =
      this.#pages.get(view) ?? this.#cache(this.#pages, view, new LRUCache({ max: maxPages, maxSize: this.#maxSize }))
    pages.set(key, page, { size: sizeOf(page.items) + key.length })
  }

  /** After a write to this row: its pages are not known, so that all go. */
  forget(id: number): void {
    for (const rows of this.#rows.values()) rows.delete(id)
    this.forgetPages()
  }

  forgetPages(): void {
    for (const pages of this.#pages.values()) if (pages.size > 0) pages.clear()
  }

  #lookElsewhere(): void {
    const generation = this.#generation()
    if (generation === this.#seen) return
    this.#seen = generation
    for (const rows of this.#rows.values()) rows.clear()
    this.forgetPages()
  }

  #cache<Cache>(caches: Map<TObject, Cache>, view: TObject, cache: Cache): Cache {
    caches.set(view, cache)
    return cache
  }
}

function sizeOf(json: unknown): number {
  return overhead + (json instanceof JsonText ? json.text.length : 0)
}
