import { spawn, spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type protobuf from 'protobufjs'
import descriptor from 'protobufjs/ext/descriptor/index.js'
import { test } from 'tap'
import { fileDescriptor, fileSpec } from '../../../src/protocols/grpc/descriptor.ts'
import { knownFiles } from '../../../src/protocols/grpc/known-files.ts'
import { build, listen, temporaryFolder } from '../../helper.ts'

const python = '/usr/bin/python3'
const hasPython = spawnSync(python, ['-c', 'import grpc']).status === 0
const skipPython = hasPython ? false : 'python3-grpcio is not installed'
const skipProtoc = spawnSync('protoc', ['--version']).error ? 'protoc is not installed (protobuf-compiler)' : false

test('a client made elsewhere learns the services by reflection and calls them', { skip: skipPython }, async (t) => {
  const { app, base } = await listen(t, {}, join(import.meta.dirname, 'routes'))
  const script = join(import.meta.dirname, 'client.py')
  const child = spawn(python, [script, new URL(base).host, app.apiKeys.first ?? ''])
  let [output, errors] = ['', '']
  child.stdout.on('data', (chunk) => {
    output += chunk
  })
  child.stderr.on('data', (chunk) => {
    errors += chunk
  })
  await new Promise((resolve) => child.once('close', resolve))
  t.equal(errors, '')
  const seen = JSON.parse(output) as Record<string, unknown>
  const services = ['grpc.health.v1.Health', 'grpc.reflection.v1.ServerReflection', 'septet.v1.UsersService']
  t.match(seen.services, { v1: { length: Number } })
  const { v1, v1alpha } = seen.services as { v1: string[]; v1alpha: string[] }
  t.same(
    services.filter((name) => !v1.includes(name)),
    [],
  )
  t.same(v1, v1alpha)
  t.same(seen.health, [8, 1])
  t.match(seen, {
    get: { value: { id: '1', name: 'Mohamed', createdAt: /^\d{4}-.*Z$/ }, etag: '"1"' },
    list: { value: { items: [{ id: '1' }], nextCursor: /^\w+$/ } },
    create: { value: { id: '3', name: 'Zoë' }, etag: '"1"' },
    again: { value: { id: '3', name: 'Zoë' } },
    update: { value: { id: '3', name: 'Z' }, etag: '"2"' },
    stale: { code: 'FAILED_PRECONDITION' },
    invalid: { code: 'INVALID_ARGUMENT', details: 'The body does not match its schema' },
    missing: { code: 'NOT_FOUND', details: 'User not found' },
    gzip: { value: { name: 'Mohamed' } },
    delete: { value: {} },
    replace: { value: { id: '2', name: 'A' } },
    find: { value: { id: '2', name: 'A', email: 'a@example.com' } },
    deadline: 'DEADLINE_EXCEEDED',
  })
})

test('the descriptor is the one that protoc makes of the file', { skip: skipProtoc }, async (t) => {
  const folder = temporaryFolder(t)
  const { app } = await build(t, {}, join(import.meta.dirname, '../../conformance/routes'))
  const { name } = fileSpec(app.grpc.file)
  mkdirSync(join(folder, 'septet/v1'), { recursive: true })
  writeFileSync(join(folder, name), app.grpc.proto)
  t.same(decode(fileDescriptor(fileSpec(app.grpc.file))), compiled(folder, folder, name))
})

test('what is imported is as protobuf has it', { skip: skipProtoc }, async (t) => {
  for (const spec of knownFiles.filter(({ package: name }) => name === 'google.protobuf')) {
    const { options: _, ...theirs } = compiled('/usr/include', temporaryFolder(t), spec.name)
    t.same(decode(fileDescriptor(spec)), theirs, spec.name)
  }
})

/** The descriptor that protoc makes of a file. */
function compiled(from: string, folder: string, name: string): { options?: object } {
  const out = join(folder, 'set')
  const { status, stderr } = spawnSync('protoc', [`-I${from}`, `--descriptor_set_out=${out}`, name], {
    encoding: 'utf8',
  })
  if (status !== 0) throw new Error(stderr)
  const set = descriptor.FileDescriptorSet.decode(readFileSync(out))
  const { file } = descriptor.FileDescriptorSet.toObject(set) as { file: [object] }
  return file[0]
}

function decode(bytes: Buffer): object {
  const { FileDescriptorProto } = descriptor as unknown as { FileDescriptorProto: protobuf.Type }
  return FileDescriptorProto.toObject(FileDescriptorProto.decode(bytes))
}
