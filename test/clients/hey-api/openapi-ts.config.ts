import { join } from 'node:path'
import { defineConfig } from '@hey-api/openapi-ts'

const generated = join(import.meta.dirname, '..', 'generated')

export default defineConfig({
  input: join(generated, 'openapi.json'),
  output: { path: join(generated, 'hey-api'), module: { extension: '.ts' } },
  logs: { file: false },
})
