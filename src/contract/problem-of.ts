/** Turns whatever a request's life can throw into a problem of the closed list. */

import type { OutgoingHttpHeaders } from 'node:http'
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { codeForStatus, Problem, type ProblemCode, type Violation } from '../errors.ts'
import { pointerTo } from './pointer.ts'

type Thrown = Partial<FastifyError> & { message?: string }

const parts: Record<string, Violation['in']> = {
  body: 'body',
  querystring: 'query',
  params: 'path',
  headers: 'header',
}

const mediaType = 'application/problem+json'

/** At most this many violations are listed: an answer is never larger than what it answers. */
const maxViolations = 50

/** Fastify's own failures before a handler runs, by their stable codes. */
const fastifyCodes: Record<string, [ProblemCode, string]> = {
  FST_ERR_CTP_INVALID_MEDIA_TYPE: ['unsupported-media-type', 'This operation does not take a body of this media type'],
  FST_ERR_CTP_BODY_TOO_LARGE: ['payload-too-large', 'The body is larger than this server accepts'],
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: ['malformed-request', 'The body is not as long as Content-Length says'],
  FST_ERR_BAD_URL: ['malformed-request', 'The path is not a valid URL'],
  FST_ERR_HANDLER_TIMEOUT: ['timeout', 'The operation took too long'],
}

/** Answers with the problem of a thrown value. Its cause, if it is the server's, goes to the log alone. */
export function sendProblem(thrown: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const problem = problemOf(thrown)
  note(problem, request)
  if (problem.headers) reply.headers(problem.headers)
  reply.code(problem.statusCode).type(mediaType).serializer(asIs)
  const { send } = reply
  // Where a hook of sending fails on the problem too, Fastify would send that error, message and all.
  reply.send = (again) => (reply.sent ? send.call(reply, again) : sendBare(again, request, reply))
  // A text, which hooks that expect the operation's own result are not asked about.
  return send.call(reply, JSON.stringify(problem.document(request.id)))
}

/** As rendered; without a serializer, Fastify adds a charset to the media type. */
function asIs(text: unknown): string {
  return text as string
}

/** Answers past all hooks, which have failed. */
function sendBare(thrown: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const { raw } = reply
  const problem = new Problem('internal', 'Something went wrong', { cause: thrown })
  note(problem, request)
  if (raw.headersSent) {
    raw.destroy()
    return reply
  }
  const text = JSON.stringify(problem.document(request.id))
  const { 'content-length': _, ...headers } = reply.getHeaders()
  reply.hijack()
  raw.writeHead(500, { ...(headers as OutgoingHttpHeaders), 'content-type': mediaType })
  raw.end(text)
  return reply
}

function note(problem: Problem, { log }: FastifyRequest): void {
  // That there is too much to do is said many times, and needs no trace of the stack.
  if (problem.code === 'unavailable' && problem.cause === undefined) log.warn(problem.message)
  else if (problem.statusCode >= 500) log.error({ err: problem.cause ?? problem }, problem.message)
}

/** The problem for a thrown value; what is not expected becomes `internal`, its cause kept for the log alone. */
export function problemOf(thrown: unknown): Problem {
  if (thrown instanceof Problem) return thrown
  const error = (typeof thrown === 'object' && thrown !== null ? thrown : {}) as Thrown
  if (error.validation) return validationProblem(error)
  const known = error.code === undefined ? undefined : fastifyCodes[error.code]
  if (known) return new Problem(known[0], known[1])
  const status = error.statusCode ?? 500
  if (status < 400 || status >= 500) {
    const code = status === 503 || status === 504 ? codeForStatus(status) : 'internal'
    return new Problem(code, code === 'internal' ? 'Something went wrong' : 'Try again later', { cause: thrown })
  }
  return new Problem(codeForStatus(status), error.message ?? 'The request was refused')
}

function validationProblem({ validation = [], validationContext = 'body' }: Thrown): Problem {
  const where = parts[validationContext] ?? 'body'
  const errors = validation.slice(0, maxViolations).map((violation): Violation => {
    const { missingProperty, additionalProperty } = violation.params as Record<string, string | undefined>
    const property = missingProperty ?? additionalProperty
    const pointer = property === undefined ? '' : pointerTo(property)
    return { in: where, pointer: violation.instancePath + pointer, detail: violation.message ?? 'is not valid' }
  })
  const more =
    validation.length > maxViolations ? ` (the first ${maxViolations} of ${validation.length} are listed)` : ''
  return new Problem('validation-failed', `The ${where} does not match its schema${more}`, { errors })
}
