/** Path or query values that came over a wire with types: as they are, where those of a URL are text. */
export class TypedInput {
  [name: string]: unknown
}

// Names of clients find what was sent, and nothing of a class or of every object.
Reflect.deleteProperty(TypedInput.prototype, 'constructor')
Object.setPrototypeOf(TypedInput.prototype, null)
