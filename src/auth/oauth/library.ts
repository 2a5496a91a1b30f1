/** oidc-provider, a certified OpenID provider: loaded when it is first needed, which costs memory and a moment. */

export type Library = typeof import('oidc-provider')

/**
 * The library says on the console that it does not know a Node release that is not long-term supported yet. The tests
 * run on the very release that the lockfile brings.
 */
export async function loadLibrary(): Promise<Library> {
  const { warn } = console
  console.warn = (...said: unknown[]) => {
    if (!String(said[0]).includes('Unsupported runtime')) warn(...said)
  }
  try {
    return await import('oidc-provider')
  } finally {
    console.warn = warn
  }
}
