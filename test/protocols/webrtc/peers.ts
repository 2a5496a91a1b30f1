/**
 * Peers of WebRTC in a process of their own, as the library's threads and limits are those of a process. It is told what
 * to do by messages, and tells what happens; `client.ts` is its other end.
 */

import { type DataChannel, type DataChannelInitConfig, PeerConnection, type RtcConfig } from 'node-datachannel'

/** What a peer is told to do. */
export type Command = { peer: number } & (
  | { type: 'offer'; channels: Record<string, DataChannelInitConfig>; rtc: Partial<RtcConfig> }
  | { type: 'answer'; sdp: string }
  | { type: 'send'; label: string; messages: (string | Uint8Array)[] }
  | { type: 'open'; label: string; init: DataChannelInitConfig }
  | { type: 'close'; label?: string }
)

/** What a peer tells. */
export type Told = { peer: number } & (
  | { type: 'offer'; sdp: string }
  | { type: 'open' | 'closed'; label: string }
  | { type: 'message'; label: string; message: string | Uint8Array }
  | { type: 'state'; state: string }
)

interface Peer {
  connection: PeerConnection
  channels: Map<string, DataChannel>
}

const peers = new Map<number, Peer>()
const tell = (told: Told) => void process.send?.(told)

function offer(peer: number, channels: Record<string, DataChannelInitConfig>, rtc: Partial<RtcConfig>): void {
  const connection = new PeerConnection('', { iceServers: [], ...rtc })
  const made: Peer = { connection, channels: new Map() }
  peers.set(peer, made)
  connection.onStateChange((state) => tell({ peer, type: 'state', state }))
  connection.onGatheringStateChange((state) => {
    if (state === 'complete') tell({ peer, type: 'offer', sdp: connection.localDescription()?.sdp ?? '' })
  })
  for (const [label, init] of Object.entries(channels)) open(made, peer, label, init)
}

function open({ connection, channels }: Peer, peer: number, label: string, init: DataChannelInitConfig): void {
  const channel = connection.createDataChannel(label, init)
  channels.set(label, channel)
  channel.onOpen(() => tell({ peer, type: 'open', label }))
  channel.onClosed(() => tell({ peer, type: 'closed', label }))
  channel.onMessage((message) =>
    tell({ peer, type: 'message', label, message: typeof message === 'string' ? message : new Uint8Array(message) }),
  )
}

function send(channel: DataChannel | undefined, messages: (string | Uint8Array)[]): void {
  for (const message of messages) {
    // What a server has closed meanwhile is no concern of who sends.
    if (!channel?.isOpen()) return
    if (typeof message === 'string') channel.sendMessage(message)
    else channel.sendMessageBinary(message)
  }
}

function close(number: number, label: string | undefined): void {
  const peer = peers.get(number)
  if (label !== undefined) {
    peer?.channels.get(label)?.close()
    return
  }
  peer?.connection.close()
  peers.delete(number)
}

process.on('message', (command: Command) => {
  const peer = peers.get(command.peer)
  if (command.type === 'offer') offer(command.peer, command.channels, command.rtc)
  else if (command.type === 'close') close(command.peer, command.label)
  else if (command.type === 'answer') peer?.connection.setRemoteDescription(command.sdp, 'answer')
  else if (command.type === 'open' && peer) open(peer, command.peer, command.label, command.init)
  else if (command.type === 'send') send(peer?.channels.get(command.label), command.messages)
})
process.once('disconnect', () => process.exit())
