/**
 * Writes the committed contracts from the live routes, those of every connector among them, and says what that breaks; a
 * test holds them equal.
 */

import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buildSchema, findBreakingChanges } from 'graphql'
import type { OpenAPIV3_1 } from 'openapi-types'
import { parse } from 'yaml'
import { createApp } from './app.ts'
import { readConfig } from './config.ts'
import { loadConnectors } from './connectors/load.ts'
import { exampleSettings } from './connectors/settings.ts'
import { type AsyncApi, breakingInAsyncApi } from './contract/breaking/asyncapi.ts'
import { breakingInOpenApi } from './contract/breaking/openapi.ts'
import { createLog } from './logger.ts'
import { breakingInWsdl } from './protocols/soap/breaking.ts'

const folder = mkdtempSync(join(tmpdir(), 'septet-'))
const root = join(import.meta.dirname, '..')
const everyConnector = exampleSettings(await loadConnectors(join(root, 'src/integrations')))
const config = readConfig({ DATA_DIR: folder, LOG_LEVEL: 'error', ...everyConnector })
const fastify = await createApp(config, createLog(config))
await fastify.ready()

/** Writes one document; what differs from the committed one in a way that breaks its clients is listed. */
function write(name: string, text: string, breaking: (before: string, after: string) => string[]): void {
  const file = join(root, name)
  const changes = existsSync(file) ? breaking(readFileSync(file, 'utf8'), text) : []
  if (changes.length > 0) process.stdout.write(`${name}: BREAKING CHANGES\n  ${changes.join('\n  ')}\n`)
  writeFileSync(file, text)
}

write('openapi.yaml', fastify.swagger({ yaml: true }), (before, after) =>
  breakingInOpenApi(parse(before) as OpenAPIV3_1.Document, parse(after) as OpenAPIV3_1.Document),
)
write('contracts/schema.graphql', fastify.graphql.sdl, (before, after) =>
  findBreakingChanges(buildSchema(before), buildSchema(after)).map(({ description }) => description),
)
write('contracts/asyncapi.yaml', fastify.webSockets.document, (before, after) =>
  breakingInAsyncApi(parse(before) as AsyncApi, parse(after) as AsyncApi),
)
write('contracts/service.proto', fastify.grpc.proto, () => [...fastify.grpc.breaking])
write('contracts/service.wsdl', fastify.soap.wsdl('http://localhost:8080/soap'), breakingInWsdl)
await fastify.close()
rmSync(folder, { recursive: true })
