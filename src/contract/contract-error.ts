/** A route that cannot become an operation; names it, the place in its schema and the reason. */
export class ContractError extends Error {
  override readonly name = 'ContractError'
}
