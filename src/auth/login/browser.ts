/** The browser that begins a login. */

import { BrowserCookie } from '../browser-cookie.ts'

/** As long as a login may take. */
export const loginCookie = new BrowserCookie({ name: 'septet-login', path: '/auth', maxAge: 600 })
