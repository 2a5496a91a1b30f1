/** What is made when it is first asked for, and stays. */

/**
 * The server of a wire needs every operation, so it is made when all routes are known: by the first that asks for it, at
 * the latest when the app gets ready.
 */
export function once<Value extends object>(make: () => Value): () => Value {
  let made: Value | undefined
  return () => {
    made ??= make()
    return made
  }
}
