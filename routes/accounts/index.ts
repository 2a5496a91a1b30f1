import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import { uncached } from '../../src/schemas/headers.ts'
import { firsthand, open, requires, signedIn } from '../../src/schemas/security.ts'
import { SessionTokens } from '../../src/schemas/session-tokens.ts'
import {
  Accepted,
  Account,
  AccountInput,
  AccountParams,
  EmailVerification,
  PasswordChange,
  PasswordReset,
  PasswordResetRequest,
  SignInInput,
  SignUpInput,
} from './schema.ts'

const tags = ['accounts']
const accepted = { detail: 'A message is on its way to the address, if it can get one' }

/** Accounts: signing up and in, passwords, and what administrators set. */
const plugin: FastifyPluginAsyncTypebox = async (fastify) => {
  const { accounts, sessions } = fastify

  fastify.route({
    method: 'POST',
    url: '/auth/sign-up',
    schema: {
      operationId: 'signUp',
      summary: 'Sign up',
      description:
        'Makes an account, once the message to the address is answered. A known address gets the same reply, and a message of another kind.',
      tags,
      security: open,
      body: SignUpInput,
      response: { 202: Accepted },
      problems: ['forbidden', 'rate-limited'],
    },
    handler: async (request, reply) => {
      await accounts.signUps.signUp(request.body, request)
      return reply.code(202).send(accepted)
    },
  })

  fastify.route({
    method: 'POST',
    url: '/auth/verify-email',
    schema: {
      operationId: 'verifyEmail',
      summary: 'Verify an address',
      description:
        'Proves with the token of a message who reads the address, and with the password that it is who signed up. From now on its user can sign in.',
      tags,
      security: open,
      body: EmailVerification,
      response: { 204: Type.Null({ description: 'The address is verified.' }) },
      problems: ['rate-limited'],
    },
    handler: async (request, reply) => {
      await accounts.signUps.verifyEmail(request.body, request)
      return reply.code(204).send(null)
    },
  })

  fastify.route({
    method: 'POST',
    url: '/auth/sign-in',
    schema: {
      operationId: 'signIn',
      summary: 'Sign in',
      description:
        'Begins a session. Whatever is wrong, the answer is the same; after some failures an address is locked for a time.',
      tags,
      security: open,
      body: SignInInput,
      response: { 200: SessionTokens },
      responseHeaders: uncached,
      problems: ['unauthenticated', 'rate-limited'],
    },
    handler: async (request, reply) => {
      const { proof, ...user } = await accounts.signIns.signIn(request.body, request)
      reply.header('cache-control', 'no-store')
      return sessions.start(user, request, proof)
    },
  })

  fastify.route({
    method: 'POST',
    url: '/auth/request-password-reset',
    schema: {
      operationId: 'requestPasswordReset',
      summary: 'Ask for another password',
      description: 'Sends a token to the address, if a user has it. The reply is the same for every address.',
      tags,
      security: open,
      body: PasswordResetRequest,
      response: { 202: Accepted },
      problems: ['rate-limited'],
    },
    handler: async (request, reply) => {
      await accounts.recovery.requestReset(request.body.email, request)
      return reply.code(202).send(accepted)
    },
  })

  fastify.route({
    method: 'POST',
    url: '/auth/reset-password',
    schema: {
      operationId: 'resetPassword',
      summary: 'Reset a password',
      description:
        'Sets a password with the token of a message. It verifies the address, ends every session, and lifts a lock.',
      tags,
      security: open,
      body: PasswordReset,
      response: { 204: Type.Null({ description: 'The password is set.' }) },
      problems: ['rate-limited'],
    },
    handler: async (request, reply) => {
      await accounts.recovery.reset(request.body, sessions, request)
      return reply.code(204).send(null)
    },
  })

  fastify.route({
    method: 'POST',
    url: '/auth/change-password',
    schema: {
      operationId: 'changePassword',
      summary: 'Change the password',
      description: 'Sets another password in place of the present one, and ends the other sessions of the user.',
      tags,
      security: signedIn(),
      body: PasswordChange,
      response: { 204: Type.Null({ description: 'The password is set.' }) },
      problems: ['rate-limited', 'conflict'],
    },
    handler: async (request, reply) => {
      await accounts.recovery.change(request.body, sessions, request)
      return reply.code(204).send(null)
    },
  })

  fastify.route({
    method: 'GET',
    url: '/accounts/:id',
    schema: {
      operationId: 'getAccount',
      summary: 'Get an account',
      description: 'What the user may do, and whether it may sign in.',
      tags,
      security: requires('admin'),
      params: AccountParams,
      response: { 200: Account },
      problems: ['not-found'],
    },
    handler: ({ params }) => accounts.get(params.id),
  })

  fastify.route({
    method: 'PUT',
    url: '/accounts/:id',
    schema: {
      operationId: 'updateAccount',
      summary: 'Set role and lock of an account',
      description: 'Says what the user may do, and whether it may sign in. A change ends its sessions.',
      tags,
      security: firsthand('admin'),
      params: AccountParams,
      body: AccountInput,
      response: { 200: Account },
      problems: ['not-found', 'conflict'],
    },
    handler: (request) => accounts.update(request.params.id, request.body, sessions, request),
  })
}

export default plugin
