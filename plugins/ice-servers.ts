import fp from 'fastify-plugin'
import { ConfigError, listOf } from '../src/config.ts'
import { IceCredentials } from '../src/rooms/ice-credentials.ts'

declare module 'fastify' {
  interface FastifyInstance {
    iceServers: IceCredentials
  }
}

const minute = 60_000

/** STUN and TURN servers for calls between browsers. */
export default fp(
  async (fastify) => {
    const { STUN_URLS, TURN_URLS, TURN_SECRET, TURN_MINUTES } = fastify.config
    const turn = listOf(TURN_URLS)
    if (turn.length > 0 && TURN_SECRET === undefined) throw new ConfigError('TURN_URLS needs TURN_SECRET')
    const settings = { stun: listOf(STUN_URLS), turn, secret: TURN_SECRET ?? '', lifetime: TURN_MINUTES * minute }
    fastify.decorate('iceServers', new IceCredentials(settings))
  },
  { name: 'ice-servers' },
)
