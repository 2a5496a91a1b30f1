import { join } from 'node:path'
import { defineConfig } from 'orval'

const generated = join(import.meta.dirname, '..', 'generated')

export default defineConfig({
  septet: {
    input: join(generated, 'openapi.json'),
    output: {
      target: join(generated, 'orval', 'client.ts'),
      client: 'fetch',
      baseUrl: { runtime: 'baseUrl()', imports: [{ name: 'baseUrl', importPath: '../../orval/base-url.ts' }] },
    },
  },
})
