/**
 * The pages that links of messages lead to. Their token is in the fragment, which no server gets, so a script reads it
 * and makes the request that any client makes.
 */

import { html, pageHeaders, pageOf } from './oauth/page.ts'

/** A page, and the headers that it needs. */
export interface MessagePage {
  page: string
  headers: Record<string, string>
}

interface View {
  title: string
  text: string
  /** Of the password that is asked for. */
  label: string
  autocomplete: 'current-password' | 'new-password'
  button: string
  done: string
  /** What a refused token may mean. */
  refused: string
}

const script = `
const [form, note, done] = ['form', '#problem', '#done'].map((selector) => document.querySelector(selector))
const token = new URLSearchParams(location.hash.slice(1)).get('token')
const show = (text) => { note.textContent = text; note.hidden = text === '' }
const said = ({ errors = [], detail, title }) =>
  errors.some(({ pointer }) => pointer === '/token') ? form.dataset.refused : detail ?? title
if (token === null) {
  form.hidden = true
  show('This link is not complete. Open it as it stands in the message.')
}
form.addEventListener('submit', async (event) => {
  event.preventDefault()
  const button = form.querySelector('button')
  button.disabled = true
  show('')
  try {
    const body = JSON.stringify({ token, password: form.elements.password.value })
    const answer = await fetch(location.pathname, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
    if (answer.ok) {
      history.replaceState(null, '', location.pathname)
      form.hidden = true
      done.hidden = false
    } else show(said(await answer.json()))
  } catch {
    show('The server could not be reached. Try again.')
  }
  button.disabled = false
})
`

function made({ title, text, label, autocomplete, button, done, refused }: View): MessagePage {
  const page = pageOf(
    title,
    html`<h1>${title}</h1>
<p class="bad" role="alert" id="problem" hidden></p>
<p id="done" role="status" hidden>${done}</p>
<form data-refused="${refused}">
<p>${text}</p>
<label for="password">${label}</label>
<input id="password" name="password" type="password" autocomplete="${autocomplete}" maxlength="512" required>
<button class="main">${button}</button>
</form>
<noscript><p class="bad">This page needs a script.</p></noscript>`,
    script,
  )
  return { page, headers: pageHeaders(undefined, script) }
}

/** By the path that messages name. */
export const messagePages = {
  '/auth/verify-email': made({
    title: 'Verify your address',
    text: 'Enter the password that you chose when you signed up.',
    label: 'Password',
    autocomplete: 'current-password',
    button: 'Verify',
    done: 'Your address is verified. You can sign in now.',
    refused: 'This is not the password of your sign-up, or the link was used or is older than a day.',
  }),
  '/auth/reset-password': made({
    title: 'Choose another password',
    text: 'It takes the place of the one that you had. Wherever you are signed in, you are signed out.',
    label: 'New password',
    autocomplete: 'new-password',
    button: 'Set the password',
    done: 'Your password is set. You can sign in with it now.',
    refused: 'The link was used or is older than an hour. Ask for another.',
  }),
}
