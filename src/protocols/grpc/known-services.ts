/** The services that every server of gRPC has: health, and reflection. */

import {
  type Server,
  type ServerDuplexStream,
  type ServerWritableStream,
  type sendUnaryData,
  status,
} from '@grpc/grpc-js'
import { problemOf } from '../../contract/problem-of.ts'
import { statusOf } from './errors.ts'
import { Health } from './health.ts'
import type { ProtoFile } from './model.ts'
import { Reflection } from './reflection.ts'

export interface KnownServices {
  file: ProtoFile
  isReady: () => Promise<boolean>
  /** Whether clients may ask for the services. */
  reflection: boolean
}

const asIs = (bytes: Buffer) => bytes

/** @returns What ends the streams that are open. */
export function addKnownServices(server: Server, { file, isReady, reflection }: KnownServices): () => void {
  const ends = new Set<() => void>()
  addHealth(server, new Health(isReady, file), ends)
  if (reflection) addReflection(server, new Reflection(file), ends)
  return () => {
    for (const end of ends) end()
  }
}

function addHealth(server: Server, health: Health, ends: Set<() => void>): void {
  server.addService(
    {
      Check: definition('/grpc.health.v1.Health/Check', false, false),
      Watch: definition('/grpc.health.v1.Health/Watch', false, true),
    },
    {
      Check: ({ request }: { request: Buffer }, respond: sendUnaryData<Buffer>) => {
        health.check(request).then(
          (response) => {
            if (response === undefined) respond({ code: status.NOT_FOUND, details: 'The service is not known' })
            else respond(null, response)
          },
          (error: unknown) => respond(errorOf(error)),
        )
      },
      Watch: (call: ServerWritableStream<Buffer, Buffer>) => {
        guarded(call, () => {
          const stop = health.watch(call.request, (response) => call.write(response))
          track(call, ends, stop)
        })
      },
    },
  )
}

function addReflection(server: Server, reflection: Reflection, ends: Set<() => void>): void {
  for (const version of ['v1', 'v1alpha']) {
    const path = `/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`
    server.addService(
      { ServerReflectionInfo: definition(path, true, true) },
      {
        ServerReflectionInfo: (call: ServerDuplexStream<Buffer, Buffer>) => {
          track(call, ends, () => {})
          call.on('data', (request: Buffer) => guarded(call, () => void call.write(reflection.answer(request))))
          call.on('end', () => call.end())
        },
      },
    )
  }
}

type Streaming = ServerWritableStream<Buffer, Buffer> | ServerDuplexStream<Buffer, Buffer>

/** A stream that is open would keep the server from stopping. */
function track(call: Streaming, ends: Set<() => void>, stop: () => void): void {
  const end = () => {
    stop()
    ends.delete(end)
    call.end()
  }
  ends.add(end)
  call.once('cancelled', () => {
    stop()
    ends.delete(end)
  })
}

function guarded(call: Streaming, run: () => void): void {
  try {
    run()
  } catch (error) {
    call.emit('error', errorOf(error))
  }
}

function errorOf(error: unknown): { code: number; details: string } {
  const { code, details } = statusOf(problemOf(error))
  return { code, details }
}

function definition(path: string, requestStream: boolean, responseStream: boolean) {
  return {
    path,
    requestStream,
    responseStream,
    requestSerialize: asIs,
    requestDeserialize: asIs,
    responseSerialize: asIs,
    responseDeserialize: asIs,
  }
}
