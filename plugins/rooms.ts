import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fp from 'fastify-plugin'
import { RoomEmissions, roomEvents } from '../src/rooms/room-events.ts'
import { RoomMembers } from '../src/rooms/room-members.ts'
import { roomMigrations } from '../src/rooms/room-sql.ts'
import { Rooms } from '../src/rooms/rooms.ts'

const read = (name: string) => readFileSync(join(import.meta.dirname, '../src/rooms/browser', name), 'utf8')
const modules = { '/rtc/call.js': read('call.js'), '/rtc/peer.js': read('peer.js') }

declare module 'fastify' {
  interface FastifyInstance {
    rooms: {
      rooms: Rooms
      members: RoomMembers
      /** JavaScript for browsers, by the path where it is served. */
      modules: Readonly<Record<string, string>>
    }
  }
}

/** How often members are looked for that are gone, and rooms that have expired, in ms. */
const sweepsEvery = 5000
/** In every so many of these the text of signals is taken out: once a minute. */
const sweepsToForget = 12

/** Rooms in which users meet to call each other. */
export default fp(
  async (fastify) => {
    const { storage, events } = fastify
    const { engine } = storage
    storage.declare(roomMigrations)
    events.declare(Object.values(roomEvents))
    const emissions = new RoomEmissions(engine.dialect)
    const rooms = new Rooms(engine, emissions)
    const members = new RoomMembers(engine, rooms, events.log, emissions)
    fastify.decorate('rooms', { rooms, members, modules })
    fastify.hourly(() => rooms.forget(), 'ended rooms stay')
    fastify.hourly(() => rooms.dues.forget(), 'what users owed in rooms stays')
    let sweeps = 0
    let timer: NodeJS.Timeout | undefined
    let sweep: Promise<void> | undefined
    const late = (error: unknown) => fastify.log.warn({ err: error }, 'members that are gone, or rooms, stay')
    const run = async () => {
      await members.sweep().catch(late)
      await rooms.endExpired().catch(late)
      if (sweeps % sweepsToForget === 0)
        await rooms.forgetSignals().catch((err: unknown) => fastify.log.warn({ err }, 'the text of signals stays'))
      sweeps += 1
      sweep = undefined
    }
    fastify.addHook('onReady', async () => {
      timer = setInterval(() => {
        sweep ??= run()
      }, sweepsEvery).unref()
    })
    fastify.addHook('onClose', async () => {
      clearInterval(timer)
      await sweep
    })
  },
  { name: 'rooms', dependencies: ['storage', 'events', 'hourly'] },
)
