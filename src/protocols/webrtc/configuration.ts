/** What the settings come to for the library. */

import { isIP } from 'node:net'
import type { RtcConfig } from 'node-datachannel'
import { portsOf, type RtcSettings } from '../../schemas/connection-settings.ts'

/** Bytes in a message that peers are told to keep to; what is longer comes in parts. */
const maxMessageSize = 262_144

/** With one port, all peers share it, and its descriptor; else each has one of its own. */
export function rtcOf(settings: RtcSettings & { HOST: string }): RtcConfig {
  const { RTC_PORTS, RTC_ICE_SERVERS } = settings
  const ports = portsOf(RTC_PORTS)
  const bindAddress = bindAddressOf(settings)
  return {
    iceServers: RTC_ICE_SERVERS.split(',').filter(Boolean),
    maxMessageSize,
    disableAutoNegotiation: true,
    ...(bindAddress !== undefined && { bindAddress }),
    ...(ports && { portRangeBegin: ports[0], portRangeEnd: ports[1], enableIceUdpMux: ports[0] === ports[1] }),
  }
}

/** Nothing for every address of the machine. */
function bindAddressOf({ RTC_HOST, HOST }: { RTC_HOST?: string; HOST: string }): string | undefined {
  const host = RTC_HOST ?? (HOST === 'localhost' ? '127.0.0.1' : HOST)
  return isIP(host) === 0 || host === '0.0.0.0' || host === '::' ? undefined : host
}
