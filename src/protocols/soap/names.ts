/** The namespaces of SOAP messages, and the names of Septet's own elements in them. */

import type { ProblemCode } from '../../errors.ts'

/** Of Septet's messages, types and header blocks. */
export const namespace = 'urn:septet:v1'

export const soap11 = 'http://schemas.xmlsoap.org/soap/envelope/'
export const soap12 = 'http://www.w3.org/2003/05/soap-envelope'
export const xsd = 'http://www.w3.org/2001/XMLSchema'
export const xsi = 'http://www.w3.org/2001/XMLSchema-instance'
export const wsa = 'http://www.w3.org/2005/08/addressing'
export const wsse = 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd'
export const wsu = 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd'

export type SoapVersion = '1.1' | '1.2'

export const envelopeOf = { '1.1': soap11, '1.2': soap12 } as const satisfies Record<SoapVersion, string>

/** What `SOAPAction` and the `action` parameter name. */
export function actionOf(operationId: string): string {
  return `${namespace}:${operationId}`
}

/** The element in the detail of a fault: `not-found` is `NotFoundFault`. */
export function faultName(code: ProblemCode): string {
  return `${code.replaceAll(/(?:^|-)(\w)/g, (_, letter: string) => letter.toUpperCase())}Fault`
}

/** Request headers that a message may bring as header blocks of Septet's namespace, by the block's local name. */
export const requestBlocks = {
  IdempotencyKey: 'idempotency-key',
  IfMatch: 'if-match',
  Prefer: 'prefer',
  Traceparent: 'traceparent',
  Tracestate: 'tracestate',
} as const

/** Response headers that an answer has as header blocks of Septet's namespace; the cursor of a page is in its result. */
export const responseBlocks = {
  etag: 'ETag',
  location: 'Location',
  'retry-after': 'RetryAfter',
  'x-total-count': 'TotalCount',
  'preference-applied': 'PreferenceApplied',
  'idempotent-replayed': 'IdempotentReplayed',
  'www-authenticate': 'WwwAuthenticate',
  ratelimit: 'RateLimit',
  'ratelimit-policy': 'RateLimitPolicy',
} as const
