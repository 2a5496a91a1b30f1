/** Messages as a client would send them, written by hand. */

import type { FastifyInstance } from 'fastify'

export const soap11 = 'http://schemas.xmlsoap.org/soap/envelope/'
export const soap12 = 'http://www.w3.org/2003/05/soap-envelope'
export const namespace = 'urn:septet:v1'

export interface Sent {
  version?: '1.1' | '1.2'
  /** Header blocks. */
  blocks?: string
  headers?: Record<string, string>
}

/** An envelope; `s` is bound to the version's namespace, `n` to Septet's. */
export function envelope(body: string, { version = '1.1', blocks = '' }: Sent = {}): string {
  const uri = version === '1.1' ? soap11 : soap12
  const header = blocks === '' ? '' : `<s:Header>${blocks}</s:Header>`
  return `<s:Envelope xmlns:s="${uri}" xmlns:n="${namespace}" xmlns:i="http://www.w3.org/2001/XMLSchema-instance" xmlns:xs="http://www.w3.org/2001/XMLSchema">${header}<s:Body>${body}</s:Body></s:Envelope>`
}

export const mediaType = { '1.1': 'text/xml; charset=utf-8', '1.2': 'application/soap+xml; charset=utf-8' }

/** Sends the content of a Body. */
export function send(app: FastifyInstance, body: string, sent: Sent = {}) {
  return sendRaw(app, envelope(body, sent), sent)
}

/** Sends bytes as they are. */
export async function sendRaw(app: FastifyInstance, payload: string | Buffer, { version = '1.1', headers }: Sent = {}) {
  const answer = await app.inject({
    method: 'POST',
    url: '/soap',
    headers: { 'content-type': mediaType[version], ...headers },
    payload,
  })
  return { status: answer.statusCode, text: answer.body, headers: answer.headers }
}

/** The texts of all elements with a local name. */
export function textsOf(xml: string, local: string): string[] {
  return [...xml.matchAll(new RegExp(`<(?:\\w+:)?${local}(?: [^>]*)?>([^<]*)<`, 'g'))].map(([, text = '']) => text)
}

/** The one text of an element with a local name; nothing without it. */
export function textOf(xml: string, local: string): string | undefined {
  return textsOf(xml, local)[0]
}
