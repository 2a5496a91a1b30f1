/** JSON that the storage has already rendered, so that it is neither parsed nor stringified again on its way out. */

export class JsonText {
  readonly text: string

  private constructor(text: string) {
    this.text = text
  }

  /**
   * Wraps rendered JSON, typed as the value that it renders. The text must come from the declared
   * schema (a storage view does): no serializer filters it any more.
   */
  static of<Value>(text: string): Value {
    return new JsonText(text) as Value
  }

  toJSON(): unknown {
    return JSON.parse(this.text)
  }
}
