/** Headless Chromium, driven by playwright-core of test/clients; it reaches nothing but this machine. */

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Test } from 'tap'
import { clients } from '../contract/foreign-tools.ts'

const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium'
const driver = join(clients, 'node_modules/playwright-core/index.mjs')

/** The `skip` of a test that needs it. */
export const skip = !existsSync(executablePath)
  ? 'install Chromium (Debian: chromium), or name it by CHROMIUM'
  : !existsSync(driver) && 'run npm ci --prefix test/clients'

/** What the tests need of playwright's page. */
export interface Page {
  goto(url: string): Promise<unknown>
  reload(): Promise<unknown>
  click(selector: string): Promise<void>
  fill(selector: string, value: string): Promise<void>
  textContent(selector: string): Promise<string | null>
  waitForSelector(selector: string): Promise<unknown>
  url(): string
  title(): Promise<string>
  screenshot(options: { path: string }): Promise<unknown>
  evaluate<Result>(script: string): Promise<Result>
  on(event: 'console' | 'pageerror', listener: (message: { text?: () => string; message?: string }) => void): void
}

/** A profile of its own: nobody's cookies. */
export interface Context {
  newPage(): Promise<Page>
  cookies(url: string): Promise<{ name: string; path: string; httpOnly: boolean; sameSite: string }[]>
}

export interface Browser {
  newContext(options?: {
    colorScheme?: 'light' | 'dark'
    viewport?: { width: number; height: number }
  }): Promise<Context>
  close(): Promise<void>
}

const args = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1',
]

/** Starts a browser that ends with the test; `more` arguments are for what only some tests need. */
export async function startChromium(t: Test, more: readonly string[] = []): Promise<Browser> {
  const { chromium } = (await import(pathToFileURL(driver).href)) as {
    chromium: { launch(options: object): Promise<Browser> }
  }
  const browser = await chromium.launch({ executablePath, headless: true, args: [...args, ...more] })
  t.teardown(() => browser.close())
  return browser
}
