/** The cases in which Septet is measured against a bare server, and their bars. */

import type { CaseName } from './options.ts'
import type { Kind } from './requests.ts'

export interface Case {
  name: CaseName
  title: string
  kind: Kind
  /** Clients; without a number, as many as the options say. */
  connections?: number
  /** Least ratio of requests per CPU second, Septet to bare. */
  bar?: number
}

export const reads: readonly Case[] = [
  { name: 'first-page', title: 'GET /users, first page of 20', kind: 'first page', bar: 1.25 },
  { name: 'page', title: 'GET /users, page at a random cursor', kind: 'page', bar: 1.25 },
  { name: 'find', title: 'GET /user?id=, random id', kind: 'find', bar: 0.85 },
  { name: 'get', title: 'GET /users/{id}, random id', kind: 'get', bar: 0.85 },
]

export const writes: readonly Case[] = [
  { name: 'create-1', title: 'POST /users, 1 client', kind: 'create', connections: 1 },
  { name: 'create-64', title: 'POST /users, 64 clients', kind: 'create', connections: 64 },
]

/** Least ratio of durable creations a second at 64 clients to one commit a request. */
export const durableBar = 10
/** Most CPU of a deep page, against the first. */
export const deepPageBar = 1.3
/** Most seconds from `npm start` to an open port. */
export const startUpBar = 1.5
/** Most resident memory of an idle server, in MB. */
export const memoryBar = 120
/** Least ratio of GET /users/{id} with a credential to the same without. */
export const accessBar = 0.9
/** Most of the p99 of GET /users/{id} during 50 sign-ins at once, against the same without. */
export const signInBar = 5
