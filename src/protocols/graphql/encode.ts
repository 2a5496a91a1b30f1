/** Answers of GraphQL over HTTP (its specification, section 6). */

import type { ExecutionResult, FormattedExecutionResult, GraphQLError } from 'graphql'
import type { HttpAnswer } from '../../contract/http-end.ts'
import { graphqlJson, plainJson } from './decode.ts'
import { withCodes } from './errors.ts'
import { Rendered } from './rendered.ts'

/** What came of a document. */
export interface Executed {
  /** Where it could not begin, `data` is absent. */
  result: ExecutionResult
  /** What REST says in headers, as the members of an object. */
  meta: string
}

/** Of a document that was executed. */
export function renderResult(executed: Executed, type: string): HttpAnswer {
  const status = type === graphqlJson && executed.result.data === undefined ? 400 : 200
  return { status, type, text: textOf(executed) }
}

/** As JSON, into which goes as it is what is ready. */
export function textOf({ result, meta }: Executed): string {
  const { data, errors } = result
  const members = [data === undefined ? '' : `"data":${renderData(data)}`]
  if (errors !== undefined) members.push(`"errors":${JSON.stringify(withCodes(result))}`)
  if (meta !== '') members.push(`"extensions":{"meta":{${meta}}}`)
  return `{${members.filter(Boolean).join()}}`
}

/** As an object. */
export function formatted({ result, meta }: Executed): FormattedExecutionResult {
  const { data } = result
  const errors = withCodes(result)
  const extensions = meta === '' ? undefined : { meta: JSON.parse(`{${meta}}`) as unknown }
  return { ...(errors && { errors }), ...(data !== undefined && { data }), ...(extensions && { extensions }) }
}

/** The fields of a root, of which some are texts already. */
function renderData(data: ExecutionResult['data']): string {
  if (data == null) return 'null'
  let members = ''
  for (const key of Object.keys(data)) {
    const value = data[key]
    if (value === undefined) continue
    const text = value instanceof Rendered ? value.text : JSON.stringify(value)
    members += `${members && ','}${JSON.stringify(key)}:${text}`
  }
  return `{${members}}`
}

/** Of a document that is refused. As `application/json` such an answer has always been a success to clients. */
export function renderRefusal(errors: readonly GraphQLError[], type: string): HttpAnswer {
  return { status: type === graphqlJson ? 400 : 200, type, text: JSON.stringify({ errors }) }
}

type BadStatus = 400 | 405 | 406 | 413 | 415 | 500

/** Of a request that asks for nothing that could be executed. */
export function renderBadRequest(error: GraphQLError, status: BadStatus = 400): HttpAnswer {
  const text = JSON.stringify({ errors: [error] })
  return { status, type: plainJson, text, ...(status === 405 && { headers: { allow: 'POST' } }) }
}
