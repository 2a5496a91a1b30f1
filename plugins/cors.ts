import cors from '@fastify/cors'
import fp from 'fastify-plugin'
import { originsOf } from '../src/config.ts'

/** Lets browsers on the configured origins call; without the setting no hook is added. */
export default fp(
  async (fastify) => {
    const origins = originsOf(fastify.config)
    if (origins.length === 0) return
    await fastify.register(cors, {
      origin: origins.includes('*') ? '*' : origins,
      methods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'],
      exposedHeaders: [
        'ETag',
        'Link',
        'Location',
        'Retry-After',
        'WWW-Authenticate',
        'X-Total-Count',
        'Preference-Applied',
        'Idempotent-Replayed',
      ],
      maxAge: 3600,
    })
  },
  { name: 'cors' },
)
