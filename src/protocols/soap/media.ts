/** Media types of messages: they say the version, how the bytes are written, and in 1.2 the action. */

import type { SoapVersion } from './names.ts'

export interface MediaType {
  version: SoapVersion
  charset: string | undefined
  action: string | undefined
}

/** Media types, read once each; clients send few. */
export class MediaTypes {
  readonly #known = new Map<string, MediaType>()

  /** Nothing for what is none of SOAP. */
  of(header = ''): MediaType | undefined {
    const known = this.#known.get(header)
    if (known !== undefined) return known
    const read = mediaTypeOf(header)
    if (read !== undefined && this.#known.size < maxMediaTypes && header.length < 200) this.#known.set(header, read)
    return read
  }
}

const maxMediaTypes = 1000

/** SOAP 1.1 is `text/xml`, 1.2 `application/soap+xml` with its action as a parameter (RFC 3902). */
function mediaTypeOf(header: string): MediaType | undefined {
  const [, type] = /^[ \t]*(text\/xml|application\/soap\+xml)[ \t]*(?:;|$)/i.exec(header) ?? []
  if (type === undefined) return undefined
  const parameters = new Map<string, string>()
  for (const [, name = '', quoted, token = ''] of header.matchAll(parameter))
    parameters.set(name.toLowerCase(), quoted ?? token)
  const version = type.toLowerCase() === 'text/xml' ? '1.1' : '1.2'
  const action = version === '1.2' ? parameters.get('action') : undefined
  return { version, charset: parameters.get('charset'), action }
}

const parameter = /;[ \t]*([\w-]+)[ \t]*=[ \t]*(?:"([^"]*)"|([^;\s]*))/g
