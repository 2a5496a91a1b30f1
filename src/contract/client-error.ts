/** Problems of requests that never became one: broken, oversized or too slow on the socket. */

import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import { Problem, type ProblemCode } from '../errors.ts'
import { prefaceOf, releaseSocket } from './preface.ts'

const codes: Record<string, [ProblemCode, string]> = {
  HPE_HEADER_OVERFLOW: ['headers-too-large', 'The request headers are larger than this server accepts'],
  ERR_HTTP_REQUEST_TIMEOUT: ['request-timeout', 'The request took too long to arrive'],
}

/**
 * Writes the problem to the bare socket and closes it: after such an error nothing on it can be trusted.
 *
 * @param onPreface Gets the connections that speak HTTP/2, with what they have sent.
 */
export function createClientErrorHandler(
  onPreface?: (socket: Socket, head: Buffer) => void,
): (error: Error & { code?: string }, socket: Socket) => void {
  return (error, socket) => {
    const sent = prefaceOf(error, socket)
    if (sent !== undefined && onPreface !== undefined) {
      releaseSocket(socket)
      onPreface(socket, sent)
      return
    }
    if (error.code === 'ECONNRESET' || socket.destroyed) return
    if (!socket.writable) {
      socket.destroy()
      return
    }
    const [code, detail] = codes[error.code ?? ''] ?? ['malformed-request', 'The request is not valid HTTP']
    writeProblem(socket, new Problem(code, detail))
  }
}

/** Answers with a problem where there is no response to do so, and ends what is written. */
export function writeProblem(socket: Socket, problem: Problem): void {
  const body = JSON.stringify(problem.document('none'))
  const head = [
    `HTTP/1.1 ${problem.statusCode} ${STATUS_CODES[problem.statusCode]}`,
    'Content-Type: application/problem+json',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
  ]
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`)
}
