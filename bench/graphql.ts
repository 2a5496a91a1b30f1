/**
 * `node bench/graphql.ts [--quick]`: getUser over `/graphql` per CPU second of the server, against graphql-http on
 * `node:http` with cached documents, graphql-jit and a resolver written by hand on the same rows.
 */

import { createServer } from 'node:http'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import Database from 'better-sqlite3'
import { buildSchema, type DocumentNode, type GraphQLObjectType, GraphQLScalarType, parse, validate } from 'graphql'
import { createHandler } from 'graphql-http'
import { type CompiledQuery, compileQuery } from 'graphql-jit'
import { copyDatabase, createDatabase, fileName } from './database.ts'
import { type Options, readOptions } from './options.ts'
import { freePort, listening, pinned, start, stop, workFolder } from './processes.ts'
import { atLeast, count, factor, progress, table } from './report.ts'
import { graphqlDocument } from './requests.ts'
import { busy, Load, perCpuSecond, ratio, takeTurns, typical } from './rounds.ts'
import { type Server, startSeptet } from './servers.ts'

/** Least ratio. */
const bar = 0.9

async function compare(options: Options): Promise<void> {
  const { users, nodeFlags, bareFlags, idle, connections } = options
  const folder = workFolder()
  const data = join(folder, 'data')
  progress(`a database of ${count(users)} users`)
  createDatabase(data, users)
  const copy = (name: string) => copyDatabase(data, join(folder, name))
  const septet = await startSeptet(copy('septet'), nodeFlags)
  const unkept = await startSeptet(copy('unkept'), nodeFlags, { KEEP_BYTES: '0' })
  const bare = await startBare(copy('bare'), bareFlags)
  await sleep(1000)
  for (const server of [septet, unkept]) await assertSame(server, bare)
  const load = new Load()
  const rows: string[][] = []
  for (const state of ['fresh', 'idled']) {
    if (state === 'idled') {
      progress(`idle for ${idle} s`)
      await sleep(idle * 1000)
    }
    progress(state)
    const contenders = [septet, bare, unkept].map(
      (server) => ({ server, kind: 'graphql', connections, users }) as const,
    )
    const [ours = [], bares = [], others = []] = await takeTurns(load, contenders, options)
    for (const [title, own, least] of [
      [state, ours, bar],
      ['  KEEP_BYTES=0', others, undefined],
    ] as const) {
      const value = ratio(own, bares, perCpuSecond)
      const figures = [count(typical(own, perCpuSecond)), count(typical(bares, perCpuSecond))] as const
      const load = factor(Math.min(typical(own, busy), typical(bares, busy)))
      rows.push([
        title,
        ...figures,
        factor(value),
        least === undefined ? '' : factor(least),
        atLeast(value, least),
        load,
      ])
    }
  }
  const head = ['', 'Septet /CPU s', 'bare', 'ratio', 'bar', '', 'busy']
  process.stdout.write(`${pinned ? '' : 'NOT pinned to cores\n'}${table('getUser over /graphql', head, rows)}`)
  for (const error of load.errors) process.stdout.write(`ERROR ${error}\n`)
  await Promise.all([septet, unkept, bare].map((server) => stop(server.process)))
}

async function startBare(folder: string, flags: string[]): Promise<Server> {
  const port = await freePort()
  const script = [process.execPath, ...flags, import.meta.filename, 'bare', join(folder, fileName), String(port)]
  const child = start(script, { stdio: ['ignore', 'ignore', 'inherit'] }, 0)
  await listening(port, child)
  return { name: 'bare graphql-http', port, pid: child.pid as number, process: child }
}

/** @throws where two servers give different data: a comparison of speed would say nothing. */
async function assertSame(septet: Server, bare: Server): Promise<void> {
  for (const id of [1, 2, 4711]) {
    const [ours, theirs] = await Promise.all([ask(septet, id), ask(bare, id)])
    if (ours !== theirs) throw new Error(`getUser ${id}:\n${septet.name} ${ours}\n${bare.name} ${theirs}`)
  }
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
function serveBare(file: string, port: number): void {
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
  const handle = createHandler({
    schema,
    onSubscribe: (_request, { query, variables }) => {
      const { document, compiled } = known.get(query) ?? read(query)
      return { schema, document, variableValues: variables ?? {}, contextValue: compiled } as never
    },
    execute: (({ contextValue, variableValues }: { contextValue: CompiledQuery; variableValues: object }) =>
      contextValue.query(undefined, undefined, variableValues)) as never,
  })
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

const [mode, file = '', port = ''] = process.argv.slice(2)
if (mode === 'bare') serveBare(file, Number(port))
else {
  await compare(readOptions(process.argv.slice(2)))
  process.exit()
}
