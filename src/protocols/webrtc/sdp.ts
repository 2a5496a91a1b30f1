/**
 * Session descriptions (RFC 8866) of data channels (RFC 8841), and fragments of them (RFC 8840). Of an offer the library
 * is given what was understood alone: it looks up names of hosts, and answers offers of sound and pictures too.
 */

import { BlockList, isIP, isIPv4 } from 'node:net'
import { Problem } from '../../errors.ts'

/** Of a peer; what is behind them is not tried. */
export const maxCandidates = 16
/** Bytes in a message that a peer has to take at least: each chunk has a header. */
const leastMessage = 1024
/** Where nothing is said (RFC 8841 section 6.1). */
const usualMessage = 65_536

export interface Offer {
  readonly mid: string
  readonly ufrag: string
  readonly password: string
  readonly fingerprint: string
  readonly setup: string
  readonly sctpPort: number
  /** The longest message that the peer takes, in bytes; 0 for any. */
  readonly maxMessage: number
  readonly candidates: readonly string[]
}

/** What a peer has found out about itself meanwhile (trickle ICE). */
export interface Fragment {
  readonly ufrag: string | undefined
  readonly password: string | undefined
  readonly candidates: readonly string[]
}

/** Of a candidate (RFC 8445 section 5.1.2). */
const maxPriority = 2 ** 31 - 1

/** What is sent to all of a network would be answered by all of it; what is sent to none, by this machine. */
const manyHosts = new BlockList()
manyHosts.addAddress('::', 'ipv6')
manyHosts.addSubnet('ff00::', 8, 'ipv6')
// Multicast, what is reserved, broadcast. Those of IPv4 hold for `::ffff:0:0/96` too.
manyHosts.addSubnet('0.0.0.0', 8, 'ipv4')
manyHosts.addSubnet('224.0.0.0', 3, 'ipv4')
// The same where routers make IPv4 of it: NAT64 (RFC 6052), SIIT (RFC 2765), 6to4 (RFC 3056); and `::/96` of old.
for (const prefix of ['64:ff9b::', '::ffff:0:', '::']) {
  manyHosts.addSubnet(`${prefix}224.0.0.0`, 99, 'ipv6')
}
manyHosts.addSubnet('64:ff9b::', 104, 'ipv6')
manyHosts.addSubnet('::ffff:0:0:0', 104, 'ipv6')
manyHosts.addSubnet('2002::', 24, 'ipv6')
manyHosts.addSubnet('2002:e000::', 19, 'ipv6')

const forms = {
  mid: /^[\w.+~-]{1,32}$/,
  ufrag: /^[A-Za-z\d+/]{4,256}$/,
  password: /^[A-Za-z\d+/]{22,256}$/,
  fingerprint: /^sha-(256|384|512) [\dA-F]{2}(:[\dA-F]{2}){31,63}$/i,
  setup: /^(actpass|active|passive)$/,
  number: /^\d{1,10}$/,
}

/** @throws {Problem} `malformed-request` for what is no offer of data channels alone. */
export function readOffer(text: string): Offer {
  const { media, attributeOf, candidates } = read(text)
  if (!text.startsWith('v=0')) throw malformed('An offer is a session description: `v=0` comes first')
  if (media.length !== 1 || !/^application \d+ (UDP\/)?(DTLS\/SCTP) webrtc-datachannel$/.test(media[0] ?? ''))
    throw malformed('An offer has one section, `m=application … UDP/DTLS/SCTP webrtc-datachannel`')
  const sctpPort = attributeOf('sctp-port', forms.number, '5000')
  if (!isWithin(sctpPort, 65_535)) throw malformed('`a=sctp-port` is a port')
  const maxMessage = Number(attributeOf('max-message-size', forms.number, String(usualMessage)))
  if (maxMessage !== 0 && maxMessage < leastMessage)
    throw malformed(`\`a=max-message-size\` is ${leastMessage} at least`)
  return {
    mid: attributeOf('mid', forms.mid, '0'),
    ufrag: attributeOf('ice-ufrag', forms.ufrag),
    password: attributeOf('ice-pwd', forms.password),
    fingerprint: attributeOf('fingerprint', forms.fingerprint),
    setup: attributeOf('setup', forms.setup, 'actpass'),
    sctpPort: Number(sctpPort),
    maxMessage,
    candidates,
  }
}

/** The offer, as the library is given it. */
export function writeOffer(offer: Offer): string {
  const { mid, ufrag, password, fingerprint, setup, sctpPort, maxMessage } = offer
  const lines = [
    ...['v=0', 'o=- 1 1 IN IP4 127.0.0.1', 's=-', 't=0 0', `a=group:BUNDLE ${mid}`],
    ...['m=application 9 UDP/DTLS/SCTP webrtc-datachannel', 'c=IN IP4 0.0.0.0', `a=mid:${mid}`],
    ...[`a=ice-ufrag:${ufrag}`, `a=ice-pwd:${password}`, `a=fingerprint:${fingerprint}`, `a=setup:${setup}`],
    ...[`a=sctp-port:${sctpPort}`, `a=max-message-size:${maxMessage}`],
  ]
  return `${lines.join('\r\n')}\r\n`
}

/** @throws {Problem} `malformed-request` */
export function readFragment(text: string): Fragment {
  const { attributeOf, candidates } = read(text)
  return {
    ufrag: attributeOf('ice-ufrag', forms.ufrag, '') || undefined,
    password: attributeOf('ice-pwd', forms.password, '') || undefined,
    candidates,
  }
}

/** The answer with other addresses in its candidates, where there are any of the same family (RFC 8839 section 5.1). */
export function announce(sdp: string, addresses: readonly string[]): string {
  if (addresses.length === 0) return sdp
  const lines = sdp.split('\r\n').flatMap((line) => {
    const [head = '', component, transport, priority, own = '', port, ...type] = line.split(' ')
    if (!head.startsWith('a=candidate:') || type[1] !== 'host') return [line]
    const others = addresses.filter((address) => isIPv4(address) === isIPv4(own))
    return others.map((address) => [head, component, transport, priority, address, port, ...type].join(' '))
  })
  return [...new Set(lines.slice(0, -1)), ''].join('\r\n')
}

interface Read {
  /** What stands behind each `m=`. */
  media: string[]
  /** @throws {Problem} `malformed-request` for one that is missing, and has no other, or has another form. */
  attributeOf: (attribute: string, form: RegExp, other?: string) => string
  candidates: string[]
}

function read(text: string): Read {
  const media: string[] = []
  const attributes = new Map<string, string>()
  const candidates: string[] = []
  for (const line of text.split(/\r?\n/)) {
    if (line === '') continue
    const [, type, value = ''] = /^([a-z])=(.*)$/.exec(line) ?? []
    if (type === undefined) throw malformed('Each line of a session description is a letter, `=` and a value')
    if (type === 'm') media.push(value)
    if (type !== 'a') continue
    const [name = ''] = value.split(':', 1)
    const rest = value.slice(name.length + 1)
    if (name === 'candidate') candidates.push(...candidateOf(rest))
    else if (!attributes.has(name)) attributes.set(name, rest)
  }
  const attributeOf: Read['attributeOf'] = (attribute, form, other) => {
    const value = attributes.get(attribute) ?? other
    if (value === undefined || (value !== other && !form.test(value)))
      throw malformed(`\`a=${attribute}\` is missing, or not of its form`)
    return value
  }
  return { media, attributeOf, candidates: candidates.slice(0, maxCandidates) }
}

/** A candidate that can be tried: names are not looked up, nor is anything but UDP spoken (RFC 9725 section 4.3.2). */
function candidateOf(text: string): string[] {
  const [foundation = '', component, transport = '', priority = '', address = '', port = '', typ, type = ''] =
    text.split(' ')
  const fits =
    /^[\w+/]{1,32}$/.test(foundation) &&
    component === '1' &&
    transport.toLowerCase() === 'udp' &&
    isWithin(priority, maxPriority) &&
    isOneHost(address) &&
    isWithin(port, 65_535) &&
    typ === 'typ' &&
    /^(host|srflx|prflx|relay)$/.test(type)
  return fits ? [`candidate:${foundation} 1 UDP ${priority} ${address} ${port} typ ${type}`] : []
}

/** Whether a text is a number from 1 on, in digits. */
function isWithin(text: string, most: number): boolean {
  return forms.number.test(text) && Number(text) >= 1 && Number(text) <= most
}

/** Judged by what an address comes to, however it is written; a zone (`%`) is a link of the peer's own machine. */
function isOneHost(address: string): boolean {
  return isIP(address) !== 0 && !address.includes('%') && !manyHosts.check(address, isIPv4(address) ? 'ipv4' : 'ipv6')
}

function malformed(detail: string): Problem {
  return new Problem('malformed-request', detail)
}
