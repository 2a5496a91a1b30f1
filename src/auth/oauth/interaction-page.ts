/** What a user sees between an application's request and the way back: signing in, consent, and what went wrong. */

import { wordsOf } from '../../contract/scope-words.ts'
import { html, pageOf } from './page.ts'

/** Who asks, and where the user is sent back to. */
export interface Asking {
  client: string
  /** A host, or the scheme of an application. */
  returnTo: string
}

export interface SignInView extends Asking {
  email: string
  /** Why the last attempt failed. */
  problem?: string | undefined
}

export interface ConsentView extends Asking {
  /** The user who has signed in. */
  email: string
  scopes: readonly string[]
}

export function signInPage({ client, returnTo, email, problem }: SignInView): string {
  const about = problem === undefined ? undefined : html`<p class="bad" role="alert" id="problem">${problem}</p>`
  return pageOf(
    'Sign in',
    html`<h1>Sign in</h1>
<p>to go on to <strong>${client}</strong></p>
${about}<form method="post">
<label for="email">E-mail address</label>
<input id="email" name="email" value="${email}" inputmode="email" autocomplete="username" autocapitalize="none" spellcheck="false" maxlength="254" required>
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password" maxlength="512" required>
<button class="main" name="action" value="sign-in">Sign in</button>
<button name="action" value="deny" formnovalidate>Cancel</button>
</form>
<p class="last">Then you go back to <strong>${returnTo}</strong>.</p>`,
  )
}

export function consentPage({ client, returnTo, email, scopes }: ConsentView): string {
  return pageOf(
    `Allow ${client}?`,
    html`<h1>Allow ${client}?</h1>
<p>It asks for your permission to:</p>
<ul>${scopes.map((scope) => html`<li>${wordsOf(scope)}</li>`)}</ul>
<form method="post">
<p>You are signed in as <strong>${email}</strong>. <button class="link" name="action" value="switch">Use another account</button></p>
<button class="main" name="action" value="allow">Allow</button>
<button name="action" value="deny">Deny</button>
</form>
<p class="last">Either way you go back to <strong>${returnTo}</strong>.</p>`,
  )
}

export function signOutPage({ email, token }: { email: string; token: string }): string {
  return pageOf(
    'Sign out',
    html`<h1>Sign out</h1>
<p>You are signed in as <strong>${email}</strong>.</p>
<form method="post">
<input type="hidden" name="token" value="${token}">
<button class="main" name="action" value="sign-out">Sign out</button>
</form>
<p class="last">Applications keep what you have allowed them.</p>`,
  )
}

export function signedOutPage(): string {
  return pageOf('Signed out', html`<h1>You are signed out</h1><p>Nobody is signed in here in this browser.</p>`)
}

export function errorPage(title: string, text: string): string {
  return pageOf(title, html`<h1>${title}</h1><p>${text}</p>`)
}
