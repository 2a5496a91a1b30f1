/** The file as text, in an order that does not depend on that of the routes. */

import { signatureOf } from './lock.ts'
import {
  type EnumType,
  fileName,
  jsonNameOf,
  type MessageField,
  type MessageType,
  type ProtoFile,
  packageName,
  type Reserved,
  type Service,
  typeText,
  zeroOf,
} from './model.ts'

const head = `// ${fileName}: the services of gRPC. \`npm run contracts\` writes it from the routes.
// It is the lock of numbers: those that are here are kept, new properties get new ones, and those of what was removed
// stay reserved.

syntax = "proto3";

package ${packageName};
`

export function render(file: ProtoFile): string {
  const body = [...file.services.map(renderService), ...file.messages.map(renderMessage), ...file.enums.map(renderEnum)]
  const known = ['empty', 'timestamp', 'struct'] as const
  const used = {
    empty: 'google.protobuf.Empty',
    timestamp: 'google.protobuf.Timestamp',
    struct: 'google.protobuf.Value',
  }
  const text = body.join('\n')
  const imports = known.filter((name) => text.includes(used[name]))
  return `${head}\n${imports.map((name) => `import "google/protobuf/${name}.proto";\n`).join('')}\n${text}`
}

function renderService({ name, description, methods }: Service): string {
  const lines = methods.flatMap((method) => {
    const { idempotency } = method
    const options = idempotency === undefined ? ';' : ` {\n    option idempotency_level = ${idempotency};\n  }`
    return [...comment(method.description, '  '), `  rpc ${method.name}${signatureOf(method)}${options}`]
  })
  return block('service', name, description, lines)
}

function renderMessage({ name, description, role, fields, reserved }: MessageType): string {
  const lines = fields.flatMap((field) => renderField(field, role === 'union' ? '    ' : '  '))
  const own = role === 'union' && lines.length > 0 ? ['  oneof member {', ...lines, '  }'] : lines
  return block('message', name, description, [...renderReserved(reserved), ...own])
}

function renderField(field: MessageField, indent: string): string[] {
  const { property, name, number, cardinality, description, deprecated } = field
  const options = [
    ...(jsonNameOf(name) === property || indent.length > 2 ? [] : [`json_name = "${property}"`]),
    ...(deprecated ? ['deprecated = true'] : []),
  ]
  const label = cardinality === 'optional' ? 'optional ' : ''
  const tail = options.length === 0 ? '' : ` [${options.join(', ')}]`
  return [...comment(description, indent), `${indent}${label}${typeText(field)} ${name} = ${number}${tail};`]
}

function renderEnum({ name, description, values, reserved }: EnumType): string {
  const lines = values.map((value) => `  ${value.name} = ${value.number};`)
  return block('enum', name, description, [...renderReserved(reserved), `  ${zeroOf(name)} = 0;`, ...lines])
}

function renderReserved({ numbers, names }: Reserved): string[] {
  return [
    ...(numbers.length === 0 ? [] : [`  reserved ${numbers.join(', ')};`]),
    ...(names.length === 0 ? [] : [`  reserved ${names.map((name) => `"${name}"`).join(', ')};`]),
  ]
}

function block(kind: string, name: string, description: string | undefined, lines: readonly string[]): string {
  const open = [...comment(description, ''), `${kind} ${name} {`].join('\n')
  return lines.length === 0 ? `${open}}\n` : `${open}\n${lines.join('\n')}\n}\n`
}

/** Of at most 120 characters a line. */
function comment(text: string | undefined, indent: string): string[] {
  if (text === undefined || text === '') return []
  const lines: string[] = []
  let line = `${indent}//`
  for (const word of text.split(/\s+/)) {
    if (line.length + 1 + word.length > 120) {
      lines.push(line)
      line = `${indent}//`
    }
    line += ` ${word}`
  }
  return [...lines, line]
}
