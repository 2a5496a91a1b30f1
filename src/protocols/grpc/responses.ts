/** What is written on the stream of a call (gRPC over HTTP/2, "Responses"). */

import { constants, type OutgoingHttpHeaders, type ServerHttp2Stream } from 'node:http2'
import { acceptedEncodings } from './compression.ts'
import { detailsText, type GrpcStatus, messageText } from './errors.ts'
import type { Metadata } from './headers.ts'

const head = {
  ':status': constants.HTTP_STATUS_OK,
  'content-type': 'application/grpc+proto',
  'grpc-accept-encoding': acceptedEncodings,
} as const
const compressedHead = { ...head, 'grpc-encoding': 'gzip' } as const
const succeeded = { 'grpc-status': 0 } as const
const withTrailers = { waitForTrailers: true, sendDate: false } as const
const atOnce = { endStream: true, sendDate: false } as const

/** Whether nobody waits for what would be written: the call was cancelled, its connection is gone, or it is answered. */
export function isOver(stream: ServerHttp2Stream): boolean {
  return stream.destroyed || stream.closed
}

/** Response-Headers, which trailers follow when the stream is ended. */
export function sendHead(stream: ServerHttp2Stream, compressed: boolean, metadata?: Metadata): void {
  const own = compressed ? compressedHead : head
  stream.respond(metadata === undefined ? own : { ...own, ...metadata }, withTrailers)
}

/**
 * The whole of an answer that is one message.
 *
 * @param taken Called when the client has taken the message.
 */
export function sendMessage(
  stream: ServerHttp2Stream,
  frame: Uint8Array,
  compressed: boolean,
  metadata: Metadata | undefined,
  taken: () => void,
): void {
  sendHead(stream, compressed, metadata)
  stream.on('wantTrailers', () => {
    taken()
    stream.sendTrailers(succeeded)
  })
  stream.end(frame)
}

/** Ends what {@link sendHead} has begun; without a status, as a success. */
export function sendTrailers(stream: ServerHttp2Stream, status: GrpcStatus | undefined): void {
  stream.on('wantTrailers', () => {
    stream.sendTrailers(status === undefined ? succeeded : fieldsOf(status))
    letGo(stream)
  })
  stream.end()
}

/** Trailers-Only: an answer without a message. */
export function sendStatus(stream: ServerHttp2Stream, status: GrpcStatus, metadata?: Metadata): void {
  stream.respond({ ...head, ...fieldsOf(status), ...metadata }, atOnce)
  letGo(stream)
}

/** An answer to what is no call of gRPC. */
export function sendHttp(stream: ServerHttp2Stream, headers: OutgoingHttpHeaders): void {
  stream.respond(headers, atOnce)
  letGo(stream)
}

function fieldsOf(status: GrpcStatus): OutgoingHttpHeaders {
  return {
    'grpc-status': status.code,
    'grpc-message': messageText(status),
    'grpc-status-details-bin': detailsText(status),
  }
}

/** Asks for no more of what the client would send: there is an answer already (RFC 9113 section 8.1). */
function letGo(stream: ServerHttp2Stream): void {
  stream.resume()
  if (stream.readableEnded) return
  setImmediate(() => {
    if (!isOver(stream)) stream.close(constants.NGHTTP2_NO_ERROR)
  })
}
