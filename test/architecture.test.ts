import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { test } from 'tap'
import { Settings } from '../src/config.ts'
import { loadConnectors } from '../src/connectors/load.ts'

const root = join(import.meta.dirname, '..')
const folders = ['src', 'plugins', 'routes'] as const
const files = folders.flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join(folder, name)),
)
const textOf = (file: string) => readFileSync(join(root, file), 'utf8')

/** Relative imports of a file, as paths from the root. */
function importsOf(file: string): string[] {
  const specifiers = textOf(file).matchAll(/(?:from|import|import\()\s*'(\.[^']+)'/g)
  return [...specifiers].map(([, specifier = '']) => relative(root, join(root, dirname(file), specifier)))
}

/** The level of a file in the table of CONTRIBUTING.md; the first pattern that fits counts. */
const levels: [RegExp, number][] = [
  [/^src\/(errors|config|logger|access-line|request-id|request-durations|event-loop-delay)\.ts$/, 0],
  [/^src\/schemas\//, 0],
  [/^src\/contract\//, 1],
  [/^src\/storage\/[^/]+\.ts$/, 1],
  [/^src\/storage\/[^/]+\//, 2],
  [/^src\/auth\//, 2],
  [/^src\/outbound\//, 1],
  [/^src\/events\//, 2],
  [/^src\/deliveries\//, 2],
  [/^src\/connectors\//, 2],
  [/^src\/rooms\//, 2],
  [/^src\/integrations\//, 3],
  [/^src\/protocols\/(websocket|webrtc)\//, 3],
  [/^src\/protocols\//, 2],
  [/^plugins\//, 4],
  [/^routes\//, 5],
  [/^src\/(app|server|write-contracts)\.ts$/, 6],
]
const levelOf = (file: string) => levels.find(([pattern]) => pattern.test(file))?.[1]

test('every file has a level, and imports run downwards or stay in their level', (t) => {
  for (const file of files) {
    const level = levelOf(file)
    if (level === undefined) {
      t.fail(`${file} has no level: add it to the table`)
      continue
    }
    const upwards = importsOf(file).filter((imported) => (levelOf(imported) ?? Number.POSITIVE_INFINITY) > level)
    t.same(upwards, [], file)
  }
  t.end()
})

test('plugins import no plugin and no route; routes import schemas and their own folder', (t) => {
  for (const file of files) {
    if (file.startsWith('plugins/')) {
      t.notOk(
        importsOf(file).some((imported) => !imported.startsWith('src/')),
        file,
      )
    }
    if (file.startsWith('routes/')) {
      const own = dirname(file) === 'routes' ? file : `${dirname(file)}/`
      t.notOk(
        importsOf(file).some((imported) => !imported.startsWith('src/schemas/') && !imported.startsWith(own)),
        file,
      )
    }
  }
  t.end()
})

test('an integration knows no other', (t) => {
  for (const file of files.filter((each) => each.startsWith('src/integrations/'))) {
    const [, , own = ''] = file.replace(/\.ts$/, '').split('/')
    const others = importsOf(file).filter((each) => each.startsWith('src/integrations/') && each.split('/')[2] !== own)
    t.same(others, [], file)
  }
  t.end()
})

test('engines do not know each other, and only an engine knows its driver', (t) => {
  for (const file of files) {
    const driver = /from '(better-sqlite3|pg)'/.exec(textOf(file))?.[1]
    if (driver) t.match(file, driver === 'pg' ? /^src\/storage\/postgres\// : 'src/storage/sqlite/driver.ts')
    const engine = /^src\/storage\/(\w+)\//.exec(file)?.[1]
    const other = engine === 'sqlite' ? 'postgres' : 'sqlite'
    if (engine)
      t.notOk(
        importsOf(file).some((imported) => imported.includes(`storage/${other}/`)),
        file,
      )
  }
  t.end()
})

test('there are no import cycles', (t) => {
  const valueImports = new Map(
    files.map((file) => {
      // Types are erased: only what runs can be in a cycle that hurts.
      const text = textOf(file).replaceAll(/^import type .*$/gm, '')
      const specifiers = text.matchAll(/(?:from|import)\s*\(?'(\.[^']+)'/g)
      return [file, [...specifiers].map(([, specifier = '']) => relative(root, join(root, dirname(file), specifier)))]
    }),
  )
  const done = new Set<string>()
  const visit = (file: string, path: readonly string[]): void => {
    if (path.includes(file)) t.fail([...path, file].join(' → '))
    if (path.includes(file) || done.has(file)) return
    for (const imported of valueImports.get(file) ?? []) visit(imported, [...path, file])
    done.add(file)
  }
  for (const file of files) visit(file, [])
  t.equal(done.size, files.length)
  t.end()
})

test('files stay under 300 lines, plugins under 90, and names are kebab-case without catch-alls', (t) => {
  for (const file of files) {
    const lines = textOf(file).split('\n').length
    t.ok(lines <= (file.startsWith('plugins/') ? 90 : 300), `${file} has ${lines} lines`)
    t.match(file, /^[a-z0-9./-]+\.ts$/)
    t.notMatch(file, /(utils?|helpers?|common|lib|manager)(\/|\.ts)/)
  }
  t.end()
})

test('autoloaded files have a default export, others have none', (t) => {
  for (const file of files) {
    const loaded = /^(plugins\/[^/]+|routes\/([^/]+|.*\/index)|src\/integrations\/([^/]+|[^/]+\/index))\.ts$/.test(file)
    t.equal(/^export default /m.test(textOf(file)), loaded, file)
  }
  t.end()
})

test('every setting is in the README, those of connectors too, and the README names no other', async (t) => {
  const table = [...textOf('README.md').matchAll(/^\| `([A-Z_]+)` +\|/gm)].map(([, name]) => name)
  const connectors = await loadConnectors(join(root, 'src/integrations'))
  const settings = [Settings, ...connectors.map((connector) => connector.settings)]
  t.same(table.sort(), settings.flatMap(({ properties }) => Object.keys(properties)).sort())
})
