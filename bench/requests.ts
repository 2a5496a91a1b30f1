/** The requests of each case, as bytes to be sent. */

import { encodeCursor } from '../src/storage/cursor.ts'

export type Kind = 'first page' | 'page' | 'deep page' | 'find' | 'get' | 'create' | 'graphql' | 'soap'

export const statusOf = (kind: Kind) => (kind === 'create' ? 201 : 200)

/** All users of the smaller database, so that a cache in the server meets what it would in real random use. */
const poolSize = 100_000
/** Users on the deep pages: the last tenth. */
const deep = 0.9
const head = 'HTTP/1.1\r\nHost: 127.0.0.1\r\n'

let created = 0
const stamp = `${Date.now().toString(36)}-${process.pid.toString(36)}`

/** A function that gives the next request of a kind, for a database of this many users, with this credential. */
export function requestsOf(kind: Kind, users: number, credential?: string): () => Buffer {
  if (kind === 'create') return create
  if (kind === 'graphql') return graphqlRequests(users)
  if (kind === 'soap') return soapRequests(users)
  const authorization = credential === undefined ? '' : `Authorization: Bearer ${credential}\r\n`
  const size = kind === 'first page' ? 1 : poolSize
  const pool = Array.from({ length: size }, (_, index) =>
    Buffer.from(`GET ${pathOf(kind, users, index / size)} ${head}${authorization}\r\n`, 'latin1'),
  )
  return () => pool[Math.floor(Math.random() * size)] as Buffer
}

/** The path of one request; `place` from 0 to 1 says which user it is about. */
export function pathOf(kind: Exclude<Kind, 'create' | 'graphql' | 'soap'>, users: number, place: number): string {
  const between = (from: number, to: number) => from + Math.floor(place * (to - from + 1))
  switch (kind) {
    case 'first page':
      return '/users'
    case 'page':
      return pageAfter(between(1, users - 21))
    case 'deep page':
      return pageAfter(between(Math.floor(users * deep), users - 21))
    case 'find':
      return `/user?id=${between(1, users)}`
    case 'get':
      return `/users/${between(1, users)}`
  }
}

export function pageAfter(id: number): string {
  return `/users?cursor=${encodeCursor({ property: 'id', descending: false }, { id }, (value) => value)}`
}

/** One document, as a client sends it, and the same fields as `GET /users/{id}`. */
export const graphqlDocument = 'query User($id: BigInt!) { getUser(id: $id) { id name email createdAt updatedAt } }'

function graphqlRequests(users: number): () => Buffer {
  const pool = Array.from({ length: poolSize }, (_, index) => {
    const id = 1 + Math.floor((index / poolSize) * users)
    const body = JSON.stringify({ query: graphqlDocument, variables: { id } })
    const headers = `Content-Type: application/json\r\nAccept: application/json\r\nContent-Length: ${body.length}\r\n`
    return Buffer.from(`POST /graphql ${head}${headers}\r\n${body}`, 'latin1')
  })
  return () => pool[Math.floor(Math.random() * poolSize)] as Buffer
}

/** A message as PHP's SoapClient writes it. */
export function soapMessage(id: number): string {
  return `<?xml version="1.0" encoding="UTF-8"?>
<SOAP-ENV:Envelope xmlns:SOAP-ENV="http://schemas.xmlsoap.org/soap/envelope/" xmlns:ns1="urn:septet:v1"><SOAP-ENV:Body><ns1:getUser><ns1:id>${id}</ns1:id></ns1:getUser></SOAP-ENV:Body></SOAP-ENV:Envelope>
`
}

function soapRequests(users: number): () => Buffer {
  const pool = Array.from({ length: poolSize }, (_, index) => {
    const body = soapMessage(1 + Math.floor((index / poolSize) * users))
    const headers = `Content-Type: text/xml; charset=utf-8\r\nSOAPAction: "urn:septet:v1:getUser"\r\nContent-Length: ${body.length}\r\n`
    return Buffer.from(`POST /soap ${head}${headers}\r\n${body}`, 'latin1')
  })
  return () => pool[Math.floor(Math.random() * poolSize)] as Buffer
}

/** No two addresses are the same, also across runs against one database. */
function create(): Buffer {
  created += 1
  const body = `{"name":"Fatima Hassan","email":"bench-${stamp}-${created.toString(36)}@example.com"}`
  const headers = `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n`
  return Buffer.from(`POST /users ${head}${headers}\r\n${body}`, 'latin1')
}
