/** The services that every server of gRPC has: health, and reflection. */

import { problemOf } from '../../contract/problem-of.ts'
import { statusOf } from './errors.ts'
import { Health } from './health.ts'
import { framed } from './messages.ts'
import type { ProtoFile } from './model.ts'
import { Reflection } from './reflection.ts'
import { type Streaming, toOne } from './streaming-call.ts'
import type { Unary } from './unary-call.ts'

export interface KnownServices {
  file: ProtoFile
  isReady: () => Promise<boolean>
  /** Whether clients may ask for the services. */
  reflection: boolean
}

/** Methods by their paths. */
export function knownServices({ file, isReady, reflection }: KnownServices): Map<string, Unary | Streaming> {
  const health = new Health(isReady, file)
  const methods = new Map<string, Unary | Streaming>([
    ['/grpc.health.v1.Health/Check', unary((message) => health.check(message))],
    ['/grpc.health.v1.Health/Watch', toOne((message, _peer, signal) => health.watch(message, signal))],
  ])
  if (!reflection) return methods
  const asked = reflecting(new Reflection(file))
  for (const version of ['v1', 'v1alpha'])
    methods.set(`/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`, asked)
  return methods
}

function unary(answer: (message: Buffer) => Promise<Buffer>): Unary {
  return (message) =>
    answer(message).then(
      (response) => ({ frame: framed(response), metadata: undefined }),
      (error: unknown) => ({ status: statusOf(problemOf(error)), metadata: undefined }),
    )
}

function reflecting(reflection: Reflection): Streaming {
  return {
    takesOne: false,
    async *answers(messages) {
      for await (const message of messages) yield reflection.answer(message)
    },
  }
}
