/**
 * HTTP/2 on the port of HTTP/1.1, by its connection preface (RFC 9113 section 3.4). Node's parser of HTTP/1.1 knows the
 * preface and stops there, so that requests of HTTP/1.1 are read as ever: looking at connections before the parser does
 * costs each of them.
 */

import type { Socket } from 'node:net'

const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')

/** What the parser says of a connection that it has to leave. */
interface ParseError extends Error {
  code?: string
  rawPacket?: Buffer
  bytesParsed?: number
}

/** All that a connection has sent when it has begun with the preface; nothing for any other error. */
export function prefaceOf({ code, rawPacket, bytesParsed }: ParseError, socket: Socket): Buffer | undefined {
  if (code !== 'HPE_PAUSED_H2_UPGRADE' || rawPacket === undefined) return undefined
  // The preface may have come in several packets, of which the parser gives the last. It must be the first that came.
  const before = socket.bytesRead - rawPacket.length
  if (before + (bytesParsed ?? 0) !== preface.length) return undefined
  return before === 0 ? rawPacket : Buffer.concat([preface.subarray(0, before), rawPacket])
}

/** Takes the socket out of the hands of `node:http`: its listeners, its parser, and the time limits of requests. */
export function releaseSocket(socket: Socket): void {
  const closers = socket.listeners('close')
  for (const event of ['data', 'end', 'drain', 'timeout', 'error', 'close', 'pause', 'resume'])
    socket.removeAllListeners(event)
  socket.pause()
  // What it does when the connection is gone is what frees the parser.
  for (const close of closers as (() => void)[]) close()
  socket.setTimeout(0)
  socket.on('error', () => {})
}
