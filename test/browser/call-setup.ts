/** Pages that hold a call with each other: the example's, in a browser whose camera and microphone are made up. */

import { join } from 'node:path'
import type { Test } from 'tap'
import { openRooms, type User } from '../rooms/room-setup.ts'
import { until } from '../storage/setup.ts'
import { type Page, startChromium } from './chromium.ts'

const example = join(import.meta.dirname, '../../examples/call/routes')

/** Devices that are not there, asked for by nobody; addresses of this machine as they are. */
const media = [
  '--use-fake-device-for-media-stream',
  '--use-fake-ui-for-media-stream',
  '--allow-loopback-in-peer-connection',
  '--disable-features=WebRtcHideLocalIpsWithMdns',
  '--autoplay-policy=no-user-gesture-required',
]

/** For connections on a machine that does much else, in ms. */
export const patience = 30_000

export interface Flow {
  state: string
  /** Frames decoded, and packets of sound received. */
  video: number
  audio: number
  /** Kinds of the selected pair's candidates: `host`, `relay` … */
  local: string
  remote: string
}

/** What comes in from the only other member. */
const flow = `(async () => {
  const [peer] = globalThis.call ? [...call.peers.values()] : []
  if (peer === undefined) return { state: 'none', video: 0, audio: 0 }
  const stats = await peer.connection.getStats()
  const all = [...stats.values()]
  const of = (kind) => all.find((each) => each.type === 'inbound-rtp' && each.kind === kind)
  const transport = all.find((each) => each.type === 'transport')
  const pair = transport && stats.get(transport.selectedCandidatePairId)
  const { signalingState, iceConnectionState, localDescription, remoteDescription } = peer.connection
  return {
    detail: [signalingState, iceConnectionState, localDescription?.type, remoteDescription?.type].join(),
    state: peer.connection.connectionState,
    video: of('video')?.framesDecoded ?? 0,
    audio: of('audio')?.packetsReceived ?? 0,
    local: stats.get(pair?.localCandidateId)?.candidateType,
    remote: stats.get(pair?.remoteCandidateId)?.candidateType,
  }
})()`

export class Caller {
  readonly page: Page
  readonly user: User
  readonly complaints: string[] = []

  constructor(page: Page, user: User) {
    this.page = page
    this.user = user
    page.on('pageerror', ({ message = '' }) => this.complaints.push(message))
    page.on('console', (message) => this.complaints.push(message.text?.() ?? ''))
  }

  async join(base: string, room: number, query = ''): Promise<void> {
    await this.page.goto(`${base}/call${query}`)
    await this.page.fill('#token', this.user.token)
    await this.page.fill('#room', String(room))
    await this.page.click('button[type=submit]')
    await this.page.waitForSelector('#leave:enabled')
  }

  member(): Promise<{ id: string; order: number; joins: number }> {
    return this.page.evaluate('call.member')
  }

  flow(): Promise<Flow> {
    return this.page.evaluate(flow)
  }

  /** Waits until sound and picture of the other have come in, more of them than now. */
  async flows(longest = patience): Promise<Flow> {
    let before: Flow | undefined
    let now = await this.flow()
    const growing = async () => {
      now = await this.flow()
      // Another connection counts from the start.
      if (before === undefined || now.video < before.video || now.audio < before.audio) before = now
      return now.state === 'connected' && now.video > before.video + 5 && now.audio > before.audio + 5
    }
    await until(growing, 'media', longest).catch((cause: Error) => {
      throw new Error(`user ${this.user.id} gets ${JSON.stringify([before, now])}; ${this.complaints.join()}`, {
        cause,
      })
    })
    return now
  }
}

/** A server with the example's page, and two who have it open, each in a profile of its own. */
export async function openCall(t: Test, settings: Record<string, string> = {}) {
  const opened = await openRooms(t, settings, [example])
  const browser = await startChromium(t, media)
  const open = async (user: User) => new Caller(await (await browser.newContext()).newPage(), user)
  const { id } = await opened.ann.createRoom({ access: 'open' })
  return { ...opened, room: id, callers: [await open(opened.ann), await open(opened.ben)] as const }
}
