/** Descriptors of the files that others have defined: what ours imports, and the services that every server has. */

import { enumNode, type FieldSpec, type FileSpec, serviceNode } from './descriptor.ts'

const field = (name: string, number: number, type: FieldSpec['type'] = 'string', more: Partial<FieldSpec> = {}) => ({
  name,
  number,
  type,
  ...more,
})
const of = (type: string, more: Partial<FieldSpec> = {}) => ({ typeName: type, ...more })
const google = { package: 'google.protobuf' }
const value = '.google.protobuf.Value'

const empty: FileSpec = { ...google, name: 'google/protobuf/empty.proto', messages: [{ name: 'Empty', fields: [] }] }

const timestamp: FileSpec = {
  ...google,
  name: 'google/protobuf/timestamp.proto',
  messages: [{ name: 'Timestamp', fields: [field('seconds', 1, 'int64'), field('nanos', 2, 'int32')] }],
}

const struct: FileSpec = {
  ...google,
  name: 'google/protobuf/struct.proto',
  messages: [
    {
      name: 'Struct',
      fields: [field('fields', 1, 'message', of('.google.protobuf.Struct.FieldsEntry', { repeated: true }))],
      nested: [
        { name: 'FieldsEntry', fields: [field('key', 1), field('value', 2, 'message', of(value))], isEntry: true },
      ],
    },
    {
      name: 'Value',
      fields: [
        field('null_value', 1, 'enum', of('.google.protobuf.NullValue', { oneof: 0 })),
        field('number_value', 2, 'double', { oneof: 0 }),
        field('string_value', 3, 'string', { oneof: 0 }),
        field('bool_value', 4, 'bool', { oneof: 0 }),
        field('struct_value', 5, 'message', of('.google.protobuf.Struct', { oneof: 0 })),
        field('list_value', 6, 'message', of('.google.protobuf.ListValue', { oneof: 0 })),
      ],
      oneofs: ['kind'],
    },
    { name: 'ListValue', fields: [field('values', 1, 'message', of(value, { repeated: true }))] },
  ],
  enums: [enumNode('NullValue', [['NULL_VALUE', 0]])],
}

const healthPackage = '.grpc.health.v1'

/** https://github.com/grpc/grpc-proto/blob/master/grpc/health/v1/health.proto */
const health: FileSpec = {
  name: 'grpc/health/v1/health.proto',
  package: 'grpc.health.v1',
  messages: [
    { name: 'HealthCheckRequest', fields: [field('service', 1)] },
    {
      name: 'HealthCheckResponse',
      fields: [field('status', 1, 'enum', of(`${healthPackage}.HealthCheckResponse.ServingStatus`))],
      enums: [
        enumNode('ServingStatus', [
          ['UNKNOWN', 0],
          ['SERVING', 1],
          ['NOT_SERVING', 2],
          ['SERVICE_UNKNOWN', 3],
        ]),
      ],
    },
  ],
  services: [
    serviceNode('Health', [
      { name: 'Check', input: `${healthPackage}.HealthCheckRequest`, output: `${healthPackage}.HealthCheckResponse` },
      {
        name: 'Watch',
        input: `${healthPackage}.HealthCheckRequest`,
        output: `${healthPackage}.HealthCheckResponse`,
        streams: 'server',
      },
    ]),
  ],
}

/** https://github.com/grpc/grpc-proto/blob/master/grpc/reflection/v1/reflection.proto */
function reflection(version: 'v1' | 'v1alpha'): FileSpec {
  const own = (name: string) => `.grpc.reflection.${version}.${name}`
  const requestFields = (oneof: number) => [
    field('host', 1),
    field('file_by_filename', 3, 'string', { oneof }),
    field('file_containing_symbol', 4, 'string', { oneof }),
    field('file_containing_extension', 5, 'message', of(own('ExtensionRequest'), { oneof })),
    field('all_extension_numbers_of_type', 6, 'string', { oneof }),
    field('list_services', 7, 'string', { oneof }),
  ]
  const responseFields = (oneof: number) => [
    field('valid_host', 1),
    field('original_request', 2, 'message', of(own('ServerReflectionRequest'))),
    field('file_descriptor_response', 4, 'message', of(own('FileDescriptorResponse'), { oneof })),
    field('all_extension_numbers_response', 5, 'message', of(own('ExtensionNumberResponse'), { oneof })),
    field('list_services_response', 6, 'message', of(own('ListServiceResponse'), { oneof })),
    field('error_response', 7, 'message', of(own('ErrorResponse'), { oneof })),
  ]
  return {
    name: `grpc/reflection/${version}/reflection.proto`,
    package: `grpc.reflection.${version}`,
    messages: [
      { name: 'ServerReflectionRequest', fields: requestFields(0), oneofs: ['message_request'] },
      { name: 'ExtensionRequest', fields: [field('containing_type', 1), field('extension_number', 2, 'int32')] },
      { name: 'ServerReflectionResponse', fields: responseFields(0), oneofs: ['message_response'] },
      { name: 'FileDescriptorResponse', fields: [field('file_descriptor_proto', 1, 'bytes', { repeated: true })] },
      {
        name: 'ExtensionNumberResponse',
        fields: [field('base_type_name', 1), field('extension_number', 2, 'int32', { repeated: true })],
      },
      {
        name: 'ListServiceResponse',
        fields: [field('service', 1, 'message', of(own('ServiceResponse'), { repeated: true }))],
      },
      { name: 'ServiceResponse', fields: [field('name', 1)] },
      { name: 'ErrorResponse', fields: [field('error_code', 1, 'int32'), field('error_message', 2)] },
    ],
    services: [
      serviceNode('ServerReflection', [
        {
          name: 'ServerReflectionInfo',
          input: own('ServerReflectionRequest'),
          output: own('ServerReflectionResponse'),
          streams: 'both',
        },
      ]),
    ],
  }
}

export const knownFiles: readonly FileSpec[] = [
  empty,
  timestamp,
  struct,
  health,
  reflection('v1'),
  reflection('v1alpha'),
]
