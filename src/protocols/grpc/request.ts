/** What the headers of a call say (gRPC over HTTP/2, "Requests"). */

import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2'
import type { Peer } from '../../contract/call.ts'
import { checkEncoding, takesGzip } from './compression.ts'
import { ProtocolProblem, protocolCodes } from './errors.ts'
import { checkMetadata, headersOf } from './headers.ts'
import { timeoutOf } from './timeout.ts'

/** A call that has begun. */
export interface Begun {
  stream: ServerHttp2Stream
  peer: Peer
  /** When it is to be answered at the latest, by `performance.now()`. */
  deadline: number
  /** How its messages are compressed. */
  encoding: string | undefined
  takesGzip: boolean
}

const plain = 'application/grpc'
/** Of what a client has said that is told again. */
const maxShown = 100
const mediaType = /^application\/grpc(?:\+([\w.-]+))?\s*(?:;.*)?$/i

/** Whether this is a call of gRPC at all; others are answered over HTTP. */
export function isCall(contentType: string | undefined): boolean {
  return contentType === plain || mediaType.test(contentType ?? '')
}

/**
 * Reads the headers of a call.
 *
 * @param headers Changed: they become those of the peer.
 * @param raw The same as they came.
 * @throws {ProtocolProblem} for messages of another form than protobuf, of an unknown compression, and for a timeout
 *   that is none.
 * @throws {Problem} `malformed-request` for metadata that is not as its name says, `headers-too-large`.
 */
export function begunOf(
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  raw: readonly string[],
  { socket, wire }: Pick<Peer, 'socket' | 'wire'>,
): Begun {
  const type = headers['content-type']
  if (type !== plain) checkForm(type)
  checkMetadata(raw)
  const timeout = headers['grpc-timeout'] as string | undefined
  const encoding = headers['grpc-encoding'] as string | undefined
  if (encoding !== undefined) checkEncoding(encoding)
  const accepted = headers['grpc-accept-encoding'] as string | undefined
  return {
    stream,
    deadline: timeout === undefined ? Number.POSITIVE_INFINITY : performance.now() + timeoutOf(timeout),
    encoding,
    takesGzip: takesGzip(accepted),
    peer: { socket, headers: headersOf(headers, headers[':authority'] ?? headers.host), wire },
  }
}

function checkForm(type: string | undefined): void {
  const [, form = 'proto'] = mediaType.exec(type ?? '') ?? []
  if (form.toLowerCase() === 'proto') return
  throw new ProtocolProblem(protocolCodes.unimplemented, `Messages are protobuf, and not ${form.slice(0, maxShown)}`)
}
