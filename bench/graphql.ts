/**
 * `node bench/graphql.ts [--quick]`: getUser over `/graphql` per CPU second of the server, against graphql-http on
 * `node:http` with cached documents, graphql-jit and a resolver written by hand on the same rows.
 */

import { createServer } from 'node:http'
import Database from 'better-sqlite3'
import Fastify from 'fastify'
import { buildSchema, type DocumentNode, type GraphQLObjectType, GraphQLScalarType, parse, validate } from 'graphql'
import { createHandler, type Handler } from 'graphql-http'
import { type CompiledQuery, compileQuery } from 'graphql-jit'
import { type Options, readOptions } from './options.ts'
import { pinned } from './processes.ts'
import { progress, table } from './report.ts'
import { graphqlDocument } from './requests.ts'
import { Load, takeTurns } from './rounds.ts'
import type { Server } from './servers.ts'
import { inBothStates, rowOf, startWireServers, stopAll } from './wires.ts'

/** Least ratio. */
const bar = 0.9

async function compare(options: Options): Promise<void> {
  const { users, idle, connections } = options
  const wire = { name: 'bare graphql-http', script: import.meta.filename, framed: true, ask }
  const servers = await startWireServers(wire, options)
  const { septet, unkept, bare, framed = bare } = servers
  const load = new Load()
  const rows = await inBothStates(idle, async (state) => {
    progress(state)
    const contenders = [septet, bare, unkept, framed].map(
      (server) => ({ server, kind: 'graphql', connections, users }) as const,
    )
    const [ours = [], bares = [], others = [], behind = []] = await takeTurns(load, contenders, options)
    return [
      rowOf(state, ours, bares, bar),
      rowOf('  KEEP_BYTES=0', others, bares),
      rowOf('  bare on Fastify', behind, bares),
    ]
  })
  const head = ['', '/CPU s', 'bare', 'ratio', 'bar', '', 'busy']
  process.stdout.write(`${pinned ? '' : 'NOT pinned to cores\n'}${table('getUser over /graphql', head, rows)}`)
  for (const error of load.errors) process.stdout.write(`ERROR ${error}\n`)
  await stopAll(servers)
}

async function ask({ port }: Server, id: number): Promise<string> {
  const answer = await fetch(`http://127.0.0.1:${port}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query: graphqlDocument, variables: { id } }),
  })
  return JSON.stringify(((await answer.json()) as { data: unknown }).data)
}

/** What the same answer costs at least: no access, no validation but GraphQL's own, no log, no limits. */
function bareHandler(file: string): Handler<unknown> {
  const database = new Database(file)
  database.pragma('cache_size = -16000')
  const detail = database.prepare<[number], Record<string, unknown>>(
    'select id, name, email, created_at as createdAt, updated_at as updatedAt from users where id = ?',
  )
  const schema = buildSchema(`scalar BigInt scalar DateTime
    type User { id: BigInt! name: String! email: String! createdAt: DateTime! updatedAt: DateTime! }
    type Query { getUser(id: BigInt!): User }`)
  Object.assign(schema.getType('BigInt') as GraphQLScalarType, new GraphQLScalarType({ name: 'BigInt' }))
  const { getUser } = (schema.getQueryType() as GraphQLObjectType).getFields()
  if (getUser) getUser.resolve = async (_source, { id }: { id: number }) => detail.get(id)
  const known = new Map<string, { document: DocumentNode; compiled: CompiledQuery }>()
  const read = (query: string) => {
    const document = parse(query)
    if (validate(schema, document).length > 0) throw new Error('the document is not valid')
    const made = { document, compiled: compileQuery(schema, document) as CompiledQuery }
    known.set(query, made)
    return made
  }
  return createHandler({
    schema,
    onSubscribe: (_request, { query, variables }) => {
      const { document, compiled } = known.get(query) ?? read(query)
      return { schema, document, variableValues: variables ?? {}, contextValue: compiled } as never
    },
    execute: (({ contextValue, variableValues }: { contextValue: CompiledQuery; variableValues: object }) =>
      contextValue.query(undefined, undefined, variableValues)) as never,
  })
}

function serveBare(file: string, port: number): void {
  const handle = bareHandler(file)
  createServer((request, response) => {
    const { method = '', url = '', headers } = request
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', async () => {
      const text = Buffer.concat(chunks).toString()
      const given = {
        method,
        url,
        headers,
        body: JSON.parse(text) as Record<string, unknown>,
        raw: request,
        context: {},
      }
      const [body, { status, headers: more }] = await handle(given as never)
      response.writeHead(status, { ...more, 'content-length': Buffer.byteLength(body ?? '') }).end(body)
    })
  }).listen(port, '127.0.0.1')
}

/** The same behind Fastify, with nothing but its defaults. */
async function serveFramed(file: string, port: number): Promise<void> {
  const handle = bareHandler(file)
  const fastify = Fastify()
  fastify.post('/graphql', async ({ method, url, headers, body, raw }, reply) => {
    const [text, { status, headers: more }] = await handle({ method, url, headers, body, raw, context: {} } as never)
    reply.code(status).headers(more ?? {})
    return text
  })
  await fastify.listen({ port, host: '127.0.0.1' })
}

const [mode, file = '', port = ''] = process.argv.slice(2)
if (mode === 'bare') serveBare(file, Number(port))
else if (mode === 'framed') await serveFramed(file, Number(port))
else {
  await compare(readOptions(process.argv.slice(2)))
  process.exit()
}
