/** Writes the committed contracts from the live routes; a test holds them equal. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createApp } from './app.ts'
import { readConfig } from './config.ts'
import { createLog } from './logger.ts'

const folder = mkdtempSync(join(tmpdir(), 'septet-'))
const config = readConfig({ DATA_DIR: folder, LOG_LEVEL: 'error' })
const fastify = await createApp(config, createLog(config))
await fastify.ready()
const root = join(import.meta.dirname, '..')
writeFileSync(join(root, 'openapi.yaml'), fastify.swagger({ yaml: true }))
writeFileSync(join(root, 'contracts', 'schema.graphql'), fastify.graphql.sdl)
writeFileSync(join(root, 'contracts', 'asyncapi.yaml'), fastify.webSockets.document)
await fastify.close()
rmSync(folder, { recursive: true })
