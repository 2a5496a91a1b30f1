/**
 * The AsyncAPI 3.0 document: each operation as a request with its reply on one channel, and what is sent unasked. An
 * operation has one channel there: that the data channel carries the same is said in words, not said all over again.
 */

import { stringify } from 'yaml'
import { schemes } from '../../contract/access.ts'
import { type Components, info } from '../../contract/openapi.ts'
import type { Operation } from '../../contract/operation.ts'
import type { EventType } from '../../schemas/event.ts'
import {
  describeMethods,
  describeNotices,
  describeRefusal,
  describeSubscriptions,
  type Method,
  type Notice,
  subprotocol,
} from '../json-rpc/index.ts'
import { closing } from '../webrtc/index.ts'

const [channel, dataChannel] = ['jsonRpc', 'dataChannel'] as const
const correlationId = { description: 'An answer has the id of its request.', location: '$message.payload#/id' }

/** As YAML; the same operations give the same text. */
export function describe(contract: ReadonlyMap<string, Operation>, eventTypes: Iterable<EventType>): string {
  const components: Components = new Map()
  const methods = [...describeMethods(contract, components), ...describeSubscriptions(contract, components)]
  const notices = describeNotices(contract, eventTypes, components)
  const refused = { name: 'refused', title: 'What is no request', payload: describeRefusal(components) }
  const messages = Object.assign({}, ...methods.map(messagesOf), { refused }, ...notices.map(noticeMessageOf))
  const told = Object.keys(messages)
  const tags = [...new Set(methods.map(({ tag }) => tag))].sort()
  const document = {
    asyncapi: '3.0.0',
    info: {
      ...aboutUs(),
      tags: tags.map((name) => ({
        name,
        description: `Operations on ${name === 'connection' ? 'the connection' : name}.`,
      })),
    },
    defaultContentType: 'application/json',
    servers: {
      local: {
        host: 'localhost:8080',
        protocol: 'ws',
        description: 'The server as it starts by itself; `wss` behind a proxy that ends TLS.',
      },
      peer: {
        host: 'localhost:8080',
        pathname: '/rtc',
        protocol: 'webrtc',
        description:
          'A peer connection with that server: `POST` of an offer of data channels (`application/sdp`) is answered `201` with the answer, and in `Location` with what `DELETE` ends (RFC 9725).',
      },
    },
    channels: {
      [channel]: {
        address: '/ws',
        servers: [ref('servers', 'local')],
        title: 'JSON-RPC 2.0',
        description: `Texts, of one request or of a batch each, under the subprotocol \`${subprotocol}\` or none.`,
        messages: Object.fromEntries(told.map((name) => [name, ref('components', 'messages', name)])),
        bindings: { ws: { method: 'GET', bindingVersion: '0.1.0' } },
      },
      [dataChannel]: {
        address: 'json-rpc',
        servers: [ref('servers', 'peer')],
        title: 'JSON-RPC 2.0 on a data channel',
        description: `The data channel with this label; \`json-rpc-unordered\` is for one opened with \`ordered: false\`. It carries every message of the channel \`${channel}\`, with the operations there, and before its end \`${closing.name}\`. What is longer than a message may be comes in binary ones, of a part each.`,
        messages: { [closing.name]: ref('components', 'messages', closing.name) },
      },
    },
    operations: {
      ...Object.fromEntries(methods.map((method) => [method.name, operationOf(method)])),
      ...(notices.length > 0 && { notify: notification(notices) }),
      [closing.name]: parting,
    },
    components: {
      messages: { ...messages, [closing.name]: closing },
      schemas: Object.fromEntries([...components].sort(([a], [b]) => (a < b ? -1 : 1))),
      securitySchemes,
    },
  }
  // Schemas are shared between operations; as JSON they are separate, and YAML needs no anchors.
  return stringify(JSON.parse(JSON.stringify(document)), { lineWidth: 0 })
}

/** How a credential is sent, whatever it is. */
const securitySchemes = {
  apiKey: { type: 'httpApiKey', in: 'header', name: 'X-API-Key', description: schemes.apiKey.document.description },
  accessToken: {
    type: 'http',
    scheme: 'bearer',
    bearerFormat: 'JWT',
    description: schemes.accessToken.document.description,
  },
  oauth2: { type: 'http', scheme: 'bearer', description: schemes.oauth2.document.description },
} as const satisfies Record<keyof typeof schemes, object>

function aboutUs() {
  const { title, version, license, contact } = info.info
  return {
    title: `${title}, JSON-RPC over WebSocket and WebRTC`,
    version,
    description:
      'The operations of the REST API as methods of JSON-RPC 2.0. The data of an error is a problem document (RFC 9457); lists are pages of `{ items, nextCursor }`.',
    license: { name: license.name, url: 'https://spdx.org/licenses/MIT.html' },
    contact,
  }
}

function messagesOf({ name, summary, request, result, error }: Method) {
  return {
    [`${name}Request`]: { name: `${name}Request`, title: summary, correlationId, payload: request },
    [`${name}Result`]: { name: `${name}Result`, title: `${summary}: the result`, correlationId, payload: result },
    [`${name}Error`]: { name: `${name}Error`, title: `${summary}: the error`, correlationId, payload: error },
  }
}

function noticeMessageOf({ name, summary, payload }: Notice) {
  return { [name]: { name, title: summary, payload } }
}

/** Of those who have subscribed. */
function notification(notices: readonly Notice[]) {
  return {
    action: 'send',
    channel: ref('channels', channel),
    title: 'Tell what happens',
    summary: 'Tell what happens',
    description: 'What a subscription tells, until it is ended; then, where that was not asked for, why it has ended.',
    tags: [{ name: 'subscriptions' }],
    messages: notices.map(({ name }) => ref('channels', channel, 'messages', name)),
  }
}

/** Of the server, before it ends a data channel. */
const parting = {
  action: 'send',
  channel: ref('channels', dataChannel),
  title: closing.title,
  summary: closing.title,
  description: 'Nothing comes behind it, and nothing is taken any more.',
  tags: [{ name: 'connection' }],
  messages: [ref('channels', dataChannel, 'messages', closing.name)],
}

function operationOf({ name, tag, summary, description, operation }: Method) {
  const message = (kind: string) => ref('channels', channel, 'messages', kind)
  const security = Object.entries(schemes)
    .filter(([, { kinds }]) => kinds.some((kind) => operation?.access?.kinds.has(kind)))
    .map(([scheme]) => ref('components', 'securitySchemes', scheme))
  return {
    action: 'receive',
    channel: ref('channels', channel),
    title: summary,
    summary,
    description,
    ...(security.length > 0 && { security }),
    tags: [{ name: tag }],
    messages: [message(`${name}Request`)],
    reply: {
      channel: ref('channels', channel),
      messages: [message(`${name}Result`), message(`${name}Error`), message('refused')],
    },
  }
}

function ref(...path: string[]) {
  return { $ref: `#/${path.join('/')}` }
}
