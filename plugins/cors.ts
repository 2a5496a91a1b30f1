import cors from '@fastify/cors'
import fp from 'fastify-plugin'

/** Lets browsers on the configured origins call; without the setting no hook is added. */
export default fp(
  async (fastify) => {
    const origins = fastify.config.CORS_ORIGINS.split(',')
      .map((origin) => origin.trim())
      .filter(Boolean)
    if (origins.length === 0) return
    await fastify.register(cors, {
      origin: origins.includes('*') ? '*' : origins,
      methods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'],
      exposedHeaders: [
        'ETag',
        'Link',
        'Location',
        'Retry-After',
        'X-Request-Id',
        'X-Total-Count',
        'Preference-Applied',
        'Idempotent-Replayed',
      ],
      maxAge: 3600,
    })
  },
  { name: 'cors' },
)
