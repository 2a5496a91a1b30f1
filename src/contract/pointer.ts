/** The JSON Pointer to one property (RFC 6901 section 3). */
export function pointerTo(property: string): string {
  return `/${property.replaceAll('~', '~0').replaceAll('/', '~1')}`
}
