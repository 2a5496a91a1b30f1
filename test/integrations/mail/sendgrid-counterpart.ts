/**
 * What SendGrid does, on loopback: `POST /v3/mail/send` refuses what its reference says it refuses, and events are signed
 * as its WebHooks are.
 */

import { generateKeyPairSync, sign } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Test } from 'tap'

interface Address {
  email?: unknown
  name?: unknown
}

interface Send {
  personalizations: { to: Address[] }[]
  from: Address
  subject: string
  content: { type: string; value: string }[]
  headers?: Record<string, unknown>
  custom_args?: Record<string, unknown>
  categories?: unknown[]
  mail_settings?: Record<string, { enable?: unknown }>
  tracking_settings?: Record<string, Record<string, unknown>>
}

export interface SendGrid {
  url: string
  key: string
  taken: Send[]
  /** Answered in place of 202, in order. */
  answers: { status: number; headers?: Record<string, string>; errors?: object[] }[]
  /** Takes the next messages, and ends the connection in place of saying so. */
  losesAnswers: number
  requests: number
  /** For `SENDGRID_WEBHOOK_KEY`. */
  publicKey: string
  /** A WebHook with these events, as it is sent. */
  hook(events: unknown, at?: number): { headers: Record<string, string>; payload: string }
}

const known = [
  ...['personalizations', 'from', 'reply_to', 'reply_to_list', 'subject', 'content', 'attachments', 'template_id'],
  ...['headers', 'categories', 'custom_args', 'send_at', 'batch_id', 'asm', 'ip_pool_name'],
  ...['mail_settings', 'tracking_settings'],
]
const reserved = [
  ...['x-sg-id', 'x-sg-eid', 'received', 'dkim-signature', 'content-type', 'content-transfer-encoding'],
  ...['to', 'from', 'subject', 'reply-to', 'cc', 'bcc'],
]
const bypasses = ['bypass_spam_management', 'bypass_bounce_management', 'bypass_unsubscribe_management']
const address = /^[^\s@<>,;"]+@[a-z0-9-]+(\.[a-z0-9-]+)+$/i
const longestArguments = 10_000

/** What the reference refuses, by field. */
function faultsOf(body: Send): { message: string; field: string | null }[] {
  const faults: { message: string; field: string | null }[] = []
  const fault = (isFault: boolean, field: string | null, message: string) => isFault && faults.push({ message, field })
  for (const name of Object.keys(body)) fault(!known.includes(name), name, 'is not known')
  const { personalizations = [], from, subject, content = [], headers = {}, custom_args = {}, categories = [] } = body
  fault(personalizations.length < 1 || personalizations.length > 1000, 'personalizations', 'must hold 1 to 1000')
  for (const [index, { to = [] }] of personalizations.entries()) {
    fault(to.length === 0, `personalizations.${index}.to`, 'is required')
    for (const each of to)
      fault(!address.test(String(each.email)), `personalizations.${index}.to.0.email`, 'is no address')
  }
  fault(!address.test(String(from?.email)), 'from.email', 'Does not contain a valid address.')
  fault(typeof subject !== 'string' || subject === '', 'subject', 'is required')
  fault(content.length === 0, 'content', 'is required')
  const types = content.map(({ type }) => type)
  fault(types.includes('text/plain') && types[0] !== 'text/plain', 'content', 'text/plain must come first')
  for (const each of content) fault(!each.type || !each.value, 'content', 'must have a type and a value')
  for (const [name, value] of Object.entries(headers)) {
    fault(reserved.includes(name.toLowerCase()), `headers.${name}`, 'is reserved')
    // They must be encoded by who sends them.
    fault(typeof value !== 'string' || !/^[\x20-\x7e]*$/.test(value), `headers.${name}`, 'must be a text of ASCII')
  }
  const texts = Object.values(custom_args)
  fault(
    texts.some((text) => typeof text !== 'string'),
    'custom_args',
    'must hold texts',
  )
  fault(JSON.stringify(custom_args).length > longestArguments, 'custom_args', 'are too long')
  fault(
    categories.length > 10 || new Set(categories).size !== categories.length,
    'categories',
    'must be 10 different ones',
  )
  const settings = Object.entries(body.mail_settings ?? {})
  fault(
    settings.some(([, { enable }]) => typeof enable !== 'boolean'),
    'mail_settings',
    'must say enable',
  )
  fault(
    settings.some(([name]) => !bypasses.includes(name)),
    'mail_settings',
    'is not known',
  )
  const tracking = Object.values(body.tracking_settings ?? {})
  fault(
    tracking.some(({ enable }) => typeof enable !== 'boolean'),
    'tracking_settings',
    'must say enable',
  )
  return faults
}

export async function openSendGrid(t: Test): Promise<SendGrid> {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const sendGrid: SendGrid = {
    url: '',
    key: 'SG.a-good.key_',
    taken: [],
    answers: [],
    losesAnswers: 0,
    requests: 0,
    publicKey: publicKey.export({ format: 'der', type: 'spki' }).toString('base64'),
    hook(events, at = Date.now()) {
      const payload = typeof events === 'string' ? events : JSON.stringify(events)
      const timestamp = String(Math.floor(at / 1000))
      const signature = sign('sha256', Buffer.from(timestamp + payload), privateKey).toString('base64')
      return {
        headers: {
          'content-type': 'application/json',
          'x-twilio-email-event-webhook-signature': signature,
          'x-twilio-email-event-webhook-timestamp': timestamp,
        },
        payload,
      }
    },
  }
  const server = createServer((request, response) => void take(sendGrid, request, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  sendGrid.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return sendGrid
}

async function take(sendGrid: SendGrid, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const parts: Buffer[] = []
  for await (const part of request) parts.push(part as Buffer)
  sendGrid.requests += 1
  const answer = (status: number, errors?: object[], headers: Record<string, string> = {}) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers })
    response.end(errors && JSON.stringify({ errors }))
  }
  const given = sendGrid.answers.shift()
  if (given) return answer(given.status, given.errors ?? [], given.headers)
  const { method, url, headers } = request
  if (method !== 'POST' || url !== '/v3/mail/send') return answer(404, [{ message: 'not found' }])
  if (headers.authorization !== `Bearer ${sendGrid.key}`) {
    return answer(401, [{ message: 'The provided authorization grant is invalid, expired, or revoked', field: null }])
  }
  if (headers['content-type'] !== 'application/json') return answer(415, [{ message: 'Content-Type is wrong' }])
  const body = JSON.parse(Buffer.concat(parts).toString()) as Send
  const faults = faultsOf(body)
  if (faults.length > 0) return answer(400, faults)
  sendGrid.taken.push(body)
  if (sendGrid.losesAnswers > 0) {
    sendGrid.losesAnswers -= 1
    request.socket.destroy()
  } else answer(202, undefined, { 'x-message-id': 'a message of SendGrid' })
}
