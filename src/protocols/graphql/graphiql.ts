/** GraphiQL, from the files that its package has built: nothing is loaded from elsewhere. */

import { createReadStream, type ReadStream } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

const require = createRequire(import.meta.url)
const folderOf = (name: string) => dirname(require.resolve(`${name}/package.json`))

const script = 'text/javascript; charset=utf-8'

/** Name in the page's address → type and file. */
const files: Readonly<Record<string, { type: string; path: () => string }>> = {
  'react.js': { type: script, path: () => join(folderOf('react'), 'umd', 'react.production.min.js') },
  'react-dom.js': { type: script, path: () => join(folderOf('react-dom'), 'umd', 'react-dom.production.min.js') },
  'graphiql.js': { type: script, path: () => join(folderOf('graphiql'), 'graphiql.min.js') },
  'graphiql.css': { type: 'text/css; charset=utf-8', path: () => join(folderOf('graphiql'), 'graphiql.min.css') },
}

/** GraphiQL's editor sets styles on elements; scripts are files of this server alone. */
export const graphiqlHeaders = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
  'content-type': 'text/html; charset=utf-8',
}

export const graphiqlPage = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>GraphiQL · Septet</title>
<link rel="stylesheet" href="/graphiql/graphiql.css">
<style>html, body, #graphiql { height: 100%; margin: 0 }</style>
</head>
<body>
<div id="graphiql">Loading…</div>
<script src="/graphiql/react.js"></script>
<script src="/graphiql/react-dom.js"></script>
<script src="/graphiql/graphiql.js"></script>
<script src="/graphiql/start.js"></script>
</body>
</html>
`

const query = `# Every operation is a field: queries change nothing, mutations do.
# A credential goes into the headers below: {"Authorization": "Bearer spt_…"}

query Users($limit: Int = 10) {
  listUsers(limit: $limit) {
    items { id name email }
    nextCursor
  }
}
`

const start = `const subscriptionUrl = location.origin.replace('http', 'ws') + '/graphql'
const fetcher = GraphiQL.createFetcher({ url: '/graphql', subscriptionUrl })
const properties = { fetcher, defaultQuery: ${JSON.stringify(query)}, shouldPersistHeaders: false, isHeadersEditorEnabled: true }
ReactDOM.createRoot(document.getElementById('graphiql')).render(React.createElement(GraphiQL, properties))
`

/** A file of the page; nothing for a name that is none. */
export function graphiqlFile(name: string): { type: string; content: string | ReadStream } | undefined {
  if (name === 'start.js') return { type: script, content: start }
  const file = Object.hasOwn(files, name) ? files[name] : undefined
  return file && { type: file.type, content: createReadStream(file.path()) }
}
