import fp from 'fastify-plugin'
import { Gauge } from 'prom-client'
import { listOf } from '../src/config.ts'
import { rtcOf, WebRtc } from '../src/protocols/webrtc/index.ts'

declare module 'fastify' {
  interface FastifyInstance {
    webRtc: WebRtc
  }
}

/** Data channels: an offer is a request like any other, and what comes of it outlives it. */
export default fp(
  async (fastify) => {
    const { config } = fastify
    const webRtc = new WebRtc({
      rtc: rtcOf(config),
      addresses: listOf(config.RTC_ADDRESSES),
      maxMessage: config.BODY_LIMIT,
      maxConnections: config.MAX_CONNECTIONS,
      maxPerAddress: config.MAX_CONNECTIONS_PER_ADDRESS,
      callsPerSecond: config.MAX_CALLS_PER_SECOND,
      report: (err) => fastify.log.error({ err }, 'a data channel failed'),
    })
    fastify.decorate('webRtc', webRtc)
    fastify.addHook('preClose', () => webRtc.drain(config.SHUTDOWN_TIMEOUT))
    new Gauge({
      name: 'webrtc_peers',
      help: 'Peers of WebRTC that are connected, or about to.',
      registers: [fastify.metrics],
      collect() {
        this.set(webRtc.size)
      },
    })
  },
  { name: 'webrtc', dependencies: ['metrics', 'shutdown'] },
)
