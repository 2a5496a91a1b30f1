/**
 * Messages of answers by the text that they were made of: the same row or page is asked for again and again, and its
 * text is kept where it is stored. What a message is depends on nothing else, so that none is ever out of date.
 */

/** Bytes that an entry takes beside its message and its text, roughly. */
const overhead = 200
/** What is longer is not kept. */
const maxText = 65_536

interface Entry {
  /** Of what kind of message: two kinds may have the same text. */
  kind: unknown
  /** What else is said in the message of a page. */
  link: unknown
  frame: Buffer
}

export class KeptFrames {
  readonly #maxSize: number
  /** Those of now, and those before, of which none has been asked for since. */
  #young = new Map<string, Entry>()
  #old = new Map<string, Entry>()
  #size = 0

  /** @param maxSize About in bytes; 0 keeps nothing. */
  constructor(maxSize: number) {
    this.#maxSize = maxSize / 2
  }

  get(text: string, kind: unknown, link: unknown): Buffer | undefined {
    const young = this.#young.get(text)
    const entry = young ?? this.#old.get(text)
    if (entry === undefined || entry.kind !== kind || entry.link !== link) return undefined
    if (young === undefined) this.#add(text, entry)
    return entry.frame
  }

  keep(text: string, kind: unknown, link: unknown, frame: Buffer): void {
    if (text.length <= maxText) this.#add(text, { kind, link, frame })
  }

  #add(text: string, entry: Entry): void {
    if (this.#maxSize === 0) return
    this.#size += overhead + text.length + entry.frame.length
    if (this.#size > this.#maxSize) {
      this.#old = this.#young
      this.#young = new Map()
      this.#size = 0
    }
    this.#young.set(text, entry)
  }
}
