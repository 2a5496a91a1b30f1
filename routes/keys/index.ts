import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import { uncached } from '../../src/schemas/headers.ts'
import { defaultLimit, pageHeaders } from '../../src/schemas/page.ts'
import { defaultOverlap } from '../../src/schemas/rotation.ts'
import { firsthand, requires } from '../../src/schemas/security.ts'
import { Key, KeyInput, KeyParams, KeyPatch, KeyQuery, KeyRotation, NewKey } from './schema.ts'

const tags = ['keys']
const reading = requires('keys:read')
const writing = firsthand('keys:write')
const { link } = pageHeaders

/** API keys: those of the caller, or all of them for `admin`. */
const plugin: FastifyPluginAsyncTypebox = async (fastify) => {
  const keys = fastify.apiKeys

  fastify.route({
    method: 'GET',
    url: '/keys',
    schema: {
      operationId: 'listKeys',
      summary: 'List API keys',
      description:
        'A page of those keys that the caller may see: its own, or all with `admin`. Revoked ones stay listed. With `createdBy`, those of one maker.',
      tags,
      security: reading,
      querystring: KeyQuery,
      response: { 200: Type.Array(Key, { description: 'A page of keys.' }) },
      responseHeaders: { link },
    },
    handler: ({ principal, query }, reply) =>
      reply.page(keys.page(principal, { ...query, limit: query.limit ?? defaultLimit })),
  })

  fastify.route({
    method: 'POST',
    url: '/keys',
    schema: {
      operationId: 'createKey',
      summary: 'Create an API key',
      description:
        'Makes a key and shows it this once. Its scopes are among those of the caller, and it lasts no longer than the key that makes it. A user, or a key of no user, has at most 100 keys that are not revoked.',
      tags,
      security: writing,
      body: KeyInput,
      response: { 201: NewKey },
      responseHeaders: uncached,
      problems: ['conflict'],
    },
    handler: async (request, reply) => {
      reply.code(201).header('cache-control', 'no-store')
      return keys.create(request.body, request.principal, request)
    },
  })

  fastify.route({
    method: 'GET',
    url: '/keys/:id',
    schema: {
      operationId: 'getKey',
      summary: 'Get an API key',
      description: 'What is known of a key, without its secret.',
      tags,
      security: reading,
      params: KeyParams,
      response: { 200: Key },
      problems: ['not-found'],
    },
    handler: ({ params, principal }) => keys.get(params.id, principal),
  })

  fastify.route({
    method: 'PATCH',
    url: '/keys/:id',
    schema: {
      operationId: 'updateKey',
      summary: 'Rename an API key',
      description: 'Changes the name (JSON Merge Patch, RFC 7396). Scopes and expiry cannot change: make another key.',
      tags,
      security: writing,
      consumes: ['application/merge-patch+json', 'application/json'],
      params: KeyParams,
      body: KeyPatch,
      response: { 200: Key },
      problems: ['not-found', 'conflict'],
    },
    handler: (request) => keys.rename(request.params.id, request.body.name, request.principal, request),
  })

  fastify.route({
    method: 'POST',
    url: '/keys/:id/rotate',
    schema: {
      operationId: 'rotateKey',
      summary: 'Rotate an API key',
      description:
        'Gives the key a new secret and shows it this once. The old one stays good for `overlap` seconds, a day unless said otherwise.',
      tags,
      security: writing,
      params: KeyParams,
      body: KeyRotation,
      response: { 200: NewKey },
      responseHeaders: uncached,
      problems: ['not-found', 'conflict'],
    },
    handler: async (request, reply) => {
      reply.header('cache-control', 'no-store')
      const { overlap = defaultOverlap } = request.body
      return keys.rotate(request.params.id, overlap, request.principal, request)
    },
  })

  fastify.route({
    method: 'DELETE',
    url: '/keys/:id',
    schema: {
      operationId: 'revokeKey',
      summary: 'Revoke an API key',
      description:
        'The key opens nothing from now on, and cannot be made good again. Keys that it made stay good: `listKeys` finds them with `createdBy`.',
      tags,
      security: writing,
      params: KeyParams,
      response: { 204: Type.Null({ description: 'The key is revoked.' }) },
      problems: ['not-found'],
    },
    handler: async (request, reply) => {
      await keys.revoke(request.params.id, request.principal, request)
      return reply.code(204).send(null)
    },
  })
}

export default plugin
