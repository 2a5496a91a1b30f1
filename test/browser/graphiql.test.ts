import { setTimeout as wait } from 'node:timers/promises'
import { test } from 'tap'
import { listen } from '../helper.ts'
import { skip, startChromium } from './chromium.ts'

test('GraphiQL loads from this server alone, knows the schema, and runs a query', { skip }, async (t) => {
  const { base } = await listen(t)
  const browser = await startChromium(t)
  const page = await (await browser.newContext()).newPage()
  const complaints: string[] = []
  page.on('pageerror', ({ message = '' }) => complaints.push(message))
  page.on('console', (message) => complaints.push(message.text?.() ?? ''))
  await page.goto(`${base}/graphiql`)
  await page.waitForSelector('.graphiql-query-editor .cm-keyword')
  await page.click('.graphiql-execute-button')
  await page.waitForSelector('.result-window .cm-string')
  await page.waitForSelector('.result-window .cm-number')
  if (process.env.SCREENSHOTS) await page.screenshot({ path: `${process.env.SCREENSHOTS}/graphiql.png` })
  const shown = await page.textContent('.result-window')
  t.match(shown, /mohamed@example\.com/)
  await page.click('button[aria-label="Show Documentation Explorer"]')
  await page.waitForSelector('.graphiql-doc-explorer')
  t.match(await page.textContent('.graphiql-doc-explorer'), /Query/)
  t.same(
    complaints.filter((text) => /refused|error|violat/i.test(text)),
    [],
  )
})

test('GraphiQL subscribes to what happens', { skip }, async (t) => {
  const { app, base } = await listen(t)
  const browser = await startChromium(t)
  const page = await (await browser.newContext()).newPage()
  await page.goto(`${base}/graphiql`)
  await page.waitForSelector('.graphiql-query-editor .cm-keyword')
  await page.evaluate(
    `document.querySelector('.graphiql-query-editor .CodeMirror').CodeMirror.setValue('subscription Users { listEvents { subject } }')`,
  )
  // It reads what is typed some time after. The fan-out of deliveries waits too.
  for (let tries = 0; app.events.feed.waiting < 2 && tries < 20; tries += 1) {
    await page.click('.graphiql-execute-button')
    await wait(500)
  }
  await app.inject({ method: 'POST', url: '/users', payload: { name: 'Zoe', email: 'zoe@example.com' } })
  let shown = ''
  for (let tries = 0; !shown.includes('/users/3') && tries < 250; tries += 1) {
    await wait(20)
    shown = (await page.textContent('.result-window')) ?? ''
  }
  t.match(shown, /users\/3/)
})

test('a page calls operations over a WebSocket, and authenticates by a message', { skip }, async (t) => {
  const { app, base } = await listen(t)
  const browser = await startChromium(t)
  const page = await (await browser.newContext()).newPage()
  await page.goto(`${base}/graphiql`)
  const answers = await page.evaluate<string[]>(`new Promise((resolve) => {
    const answers = []
    const socket = new WebSocket(location.origin.replace('http', 'ws') + '/ws', 'jsonrpc-2.0')
    const call = (id, method, params) => socket.send(JSON.stringify({ jsonrpc: '2.0', id, method, params }))
    socket.onopen = () => call(1, 'authenticate', { token: '${app.apiKeys.first}' })
    socket.onmessage = ({ data }) => {
      answers.push(data)
      if (answers.length === 1) call(2, 'getMe', {})
      else resolve(answers)
    }
    socket.onclose = ({ code }) => resolve([String(code)])
  })`)
  t.match(JSON.parse(answers[1] ?? '{}'), { id: 2, result: { kind: 'api-key', scopes: ['admin'] } })
})
