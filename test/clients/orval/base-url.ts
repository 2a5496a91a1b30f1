/** Where the generated functions find the server; the caller of orval supplies this. */

let current = ''

export function baseUrl(): string {
  return current
}

export function setBaseUrl(url: string): void {
  current = url
}
