/** The settings of connections that stay, among all others in `config.ts`. */

import { isIP } from 'node:net'
import { Type } from '@sinclair/typebox'

export const connectionSettings = {
  MAX_CONNECTIONS: Type.Integer({
    default: 10_000,
    minimum: 1,
    description: 'WebSockets open at once; as many peers of WebRTC.',
  }),
  MAX_CONNECTIONS_PER_ADDRESS: Type.Integer({
    default: 100,
    minimum: 1,
    description: 'WebSockets open at once from one address; as many peers of WebRTC.',
  }),
  MAX_CALLS_PER_SECOND: Type.Integer({
    default: 1000,
    minimum: 0,
    description:
      'Calls a second on one WebSocket or data channel, above which they are answered more slowly; 0 for any.',
  }),
  RTC_HOST: Type.Optional(
    Type.String({ minLength: 1, description: 'Address that UDP of WebRTC is bound to; `HOST` unless set.' }),
  ),
  RTC_PORTS: Type.Optional(
    Type.String({
      pattern: '^\\d{1,5}(-\\d{1,5})?$',
      description: 'UDP ports of WebRTC: one for all peers, or a range such as `50000-50999` with one for each.',
    }),
  ),
  RTC_ADDRESSES: Type.String({
    default: '',
    description: 'Addresses that WebRTC announces in the place of its own, separated by commas: those of a NAT.',
  }),
  RTC_ICE_SERVERS: Type.String({
    default: '',
    pattern: '^[\\x21-\\x7e]*$',
    description: 'STUN and TURN servers that WebRTC asks: `stun:host:port`, `turn:user:password@host:port`.',
  }),
}

export interface RtcSettings {
  RTC_HOST?: string
  RTC_PORTS?: string
  RTC_ADDRESSES: string
  RTC_ICE_SERVERS: string
}

/** First and last UDP port; nothing where any will do. */
export function portsOf(setting: string | undefined): [begin: number, end: number] | undefined {
  if (setting === undefined) return undefined
  const [begin = 0, end = begin] = setting.split('-').map(Number)
  return [begin, end]
}

/** What is wrong with the settings, beginning with the name of one; a password is not repeated. */
export function wrongRtcSetting({
  RTC_HOST,
  RTC_PORTS,
  RTC_ADDRESSES,
  RTC_ICE_SERVERS,
}: RtcSettings): string | undefined {
  const [begin, end] = portsOf(RTC_PORTS) ?? [1, 1]
  if (begin < 1 || end < begin || end > 65_535) return `RTC_PORTS must be a port or a range of them, got "${RTC_PORTS}"`
  if (RTC_HOST !== undefined && isIP(RTC_HOST) === 0) return `RTC_HOST must be an address, got "${RTC_HOST}"`
  const address = partsOf(RTC_ADDRESSES).find((part) => isIP(part) === 0)
  if (address !== undefined) return `RTC_ADDRESSES must hold addresses, got "${address}"`
  const isServer = (part: string) => /^(stun:|turn:[^:@]+:[^@]+@)([\w.-]+|\[[\da-f:.]+\]):\d{1,5}$/i.test(part)
  return partsOf(RTC_ICE_SERVERS).every(isServer)
    ? undefined
    : 'RTC_ICE_SERVERS must hold stun:host:port and turn:user:password@host:port, separated by commas'
}

function partsOf(list: string): string[] {
  return list.split(',').filter(Boolean)
}
