/** HTTPS on the port that HTTP/2 shares: what a connection speaks is agreed in its handshake (ALPN, RFC 7301). */

import { readFileSync } from 'node:fs'
import type { RequestListener } from 'node:http'
import { createServer, type Server, type ServerOptions } from 'node:https'
import type { TLSSocket } from 'node:tls'
import { ConfigError } from '../config.ts'

export interface Certificate {
  cert: Buffer
  key: Buffer
}

/**
 * Reads the files of the certificate; nothing where there are none.
 *
 * @throws {ConfigError} for a file that cannot be read, and for one without the other.
 */
export function readCertificate(config: { TLS_CERT?: string; TLS_KEY?: string }): Certificate | undefined {
  const { TLS_CERT: certFile, TLS_KEY: keyFile } = config
  if (certFile === undefined && keyFile === undefined) return undefined
  if (certFile === undefined || keyFile === undefined)
    throw new ConfigError(`${certFile === undefined ? 'TLS_CERT' : 'TLS_KEY'} must be set too: TLS needs both`)
  const read = (name: string, file: string) => {
    try {
      return readFileSync(file)
    } catch (error) {
      throw new ConfigError(`${name} ${file} cannot be read: ${(error as Error).message}`)
    }
  }
  return { cert: read('TLS_CERT', certFile), key: read('TLS_KEY', keyFile) }
}

/** @param onHttp2 Gets the connections that have agreed on HTTP/2; without it, none can. */
export function createSecureServer(
  options: ServerOptions,
  handler: RequestListener,
  onHttp2: ((socket: TLSSocket) => void) | undefined,
): Server {
  // Of those that a client offers, the first is taken: HTTP/2 is gRPC here, whose clients offer nothing else.
  const protocols = onHttp2 === undefined ? ['http/1.1'] : ['http/1.1', 'h2']
  const server = createServer({ ...options, ALPNProtocols: protocols }, handler)
  const [serve] = server.listeners('secureConnection')
  server.removeAllListeners('secureConnection')
  server.on('secureConnection', (socket: TLSSocket) => {
    if (onHttp2 !== undefined && socket.alpnProtocol === 'h2') onHttp2(socket)
    else serve?.call(server, socket)
  })
  return server
}
