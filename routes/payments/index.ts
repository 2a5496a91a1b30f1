import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import { createdHeaders, etag, headers, idempotencyKey, ifNoneMatch, uncached } from '../../src/schemas/headers.ts'
import { defaultLimit, pageHeaders } from '../../src/schemas/page.ts'
import { requires } from '../../src/schemas/security.ts'
import {
  CheckoutSessionInput,
  NewCheckoutSession,
  NewPaymentIntent,
  Payment,
  PaymentIntentInput,
  PaymentParams,
  PaymentQuery,
  Refund,
  RefundInput,
  RefundQuery,
} from './schema.ts'

const tags = ['payments']
const reading = requires('payments:read')
const writing = requires('payments:write')
/** Apart from the others: who may pay may not take it back. */
const refunding = requires('payments:refund')
const { link } = pageHeaders
/** What making a payment can meet. */
const problems = ['not-found', 'conflict', 'idempotency-key-reused'] as const

/** Payments of users through Stripe: their own, or anybody's for who acts for all. Nothing while the connector is off. */
const plugin: FastifyPluginAsyncTypebox = async (fastify) => {
  const { payments } = fastify
  if (payments === undefined) return

  fastify.route({
    method: 'GET',
    url: '/payments',
    schema: {
      operationId: 'listPayments',
      summary: 'List payments',
      description:
        'A page of payments, the newest first: your own, or everybody’s for administrators and keys of no user.',
      tags,
      security: reading,
      querystring: PaymentQuery,
      response: { 200: Type.Array(Payment, { description: 'A page of payments.' }) },
      responseHeaders: { link },
    },
    handler: ({ principal, query }, reply) => {
      const { limit = defaultLimit, sort = '-id' } = query
      return reply.page(payments.page(principal, { ...query, limit, sort }))
    },
  })

  fastify.route({
    method: 'POST',
    url: '/payments/intents',
    schema: {
      operationId: 'createPaymentIntent',
      summary: 'Pay in an application',
      description:
        'Makes a payment that an application of the user completes with the client secret, or one that is paid at once with a method of payment. With `Idempotency-Key`, a request that is sent again finds the same payment, and charges nothing twice; with `paymentMethod` it must be given.',
      tags,
      security: writing,
      headers: headers(idempotencyKey),
      body: PaymentIntentInput,
      response: { 201: NewPaymentIntent },
      responseHeaders: { ...createdHeaders, ...uncached },
      problems: [...problems, 'rate-limited'],
    },
    handler: async (request, reply) => {
      reply.header('cache-control', 'no-store')
      return reply.created('/payments', await payments.createIntent(request.principal, request.body, request.once()))
    },
  })

  fastify.route({
    method: 'POST',
    url: '/payments/sessions',
    schema: {
      operationId: 'createCheckoutSession',
      summary: 'Pay on a page of Stripe',
      description:
        'Makes a payment, and a page of Stripe to lead the user to. With `Idempotency-Key`, a request that is sent again finds the same payment and page.',
      tags,
      security: writing,
      headers: headers(idempotencyKey),
      body: CheckoutSessionInput,
      response: { 201: NewCheckoutSession },
      responseHeaders: { ...createdHeaders, ...uncached },
      problems,
    },
    handler: async (request, reply) => {
      reply.header('cache-control', 'no-store')
      return reply.created('/payments', await payments.createSession(request.principal, request.body, request.once()))
    },
  })

  fastify.route({
    method: 'GET',
    url: '/payments/:id',
    schema: {
      operationId: 'getPayment',
      summary: 'Get a payment',
      description: 'A payment as Stripe has last told of it, with its version as `ETag`.',
      tags,
      security: reading,
      params: PaymentParams,
      headers: headers(ifNoneMatch),
      response: { 200: Payment },
      responseHeaders: etag,
      problems: ['not-found'],
    },
    handler: ({ principal, params }, reply) => reply.etag(payments.get(principal, params.id)),
  })

  fastify.route({
    method: 'POST',
    url: '/payments/:id/cancel',
    schema: {
      operationId: 'cancelPayment',
      summary: 'Cancel a payment',
      description: 'Ends a payment that was not made yet, and its page. What was paid is given back by a refund.',
      tags,
      security: writing,
      params: PaymentParams,
      response: { 200: Payment },
      responseHeaders: etag,
      problems: ['not-found', 'conflict'],
    },
    handler: ({ principal, params }, reply) => reply.etag(payments.cancel(principal, params.id)),
  })

  fastify.route({
    method: 'POST',
    url: '/payments/:id/refunds',
    schema: {
      operationId: 'refundPayment',
      summary: 'Refund a payment',
      description:
        'Gives back a payment, or a part of it; for administrators and keys of no user. `Idempotency-Key` must be given: a request that is sent again gives nothing back twice.',
      tags,
      security: refunding,
      params: PaymentParams,
      headers: headers(idempotencyKey),
      body: RefundInput,
      response: { 201: Refund },
      responseHeaders: createdHeaders,
      problems,
    },
    handler: async (request, reply) => {
      const { principal, params, body } = request
      const refund = await payments.refund(principal, params.id, body, request.once())
      return reply.created(`/payments/${params.id}/refunds`, refund)
    },
  })

  fastify.route({
    method: 'GET',
    url: '/payments/:id/refunds',
    schema: {
      operationId: 'listRefunds',
      summary: 'List refunds',
      description:
        'A page of the refunds of a payment, the oldest first. Those made at Stripe itself are in `amountRefunded` alone.',
      tags,
      security: reading,
      params: PaymentParams,
      querystring: RefundQuery,
      response: { 200: Type.Array(Refund, { description: 'A page of refunds.' }) },
      responseHeaders: { link },
      problems: ['not-found'],
    },
    handler: ({ principal, params, query: { limit = defaultLimit, cursor } }, reply) =>
      reply.page(payments.refundsOf(principal, params.id, { limit, cursor })),
  })
}

export default plugin
