/** The problem document (RFC 9457) as every error response declares it. */

import { Type } from '@sinclair/typebox'
import { catalogue, type ProblemCode } from '../errors.ts'
import { Enum } from './enum.ts'

const Violation = Type.Object(
  {
    in: Enum(['body', 'query', 'path', 'header'], { description: 'Part of the request that is wrong.' }),
    pointer: Type.String({ description: 'JSON Pointer (RFC 6901) to the wrong value inside that part.' }),
    detail: Type.String({ description: 'What is wrong with it.' }),
  },
  { $id: 'Violation', additionalProperties: false, description: 'One violation of the input.' },
)

export const ProblemSchema = Type.Object(
  {
    type: Type.String({ format: 'uri', description: 'Identifies the kind of problem.' }),
    title: Type.String({ description: 'Short summary of the kind of problem.' }),
    status: Type.Integer({ minimum: 400, maximum: 599, description: 'HTTP status.' }),
    detail: Type.String({ description: 'What went wrong this time.' }),
    code: Enum(Object.keys(catalogue) as ProblemCode[], { description: 'Stable code to branch on.' }),
    requestId: Type.String({ description: 'Names the request in the log.' }),
    errors: Type.Optional(Type.Array(Violation, { description: 'Every violation of the input.' })),
  },
  { $id: 'Problem', additionalProperties: false, description: 'An error, as an RFC 9457 problem document.' },
)
