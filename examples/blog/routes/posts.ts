import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import type { Declaration } from '../../../src/schemas/collection.ts'
import { Enum } from '../../../src/schemas/enum.ts'
import { eventsOf } from '../../../src/schemas/event.ts'
import { createdHeaders, etag, headers, idempotencyKey, ifMatch, ifNoneMatch } from '../../../src/schemas/headers.ts'
import { Id, reference } from '../../../src/schemas/id.ts'
import { MaybeMoment, Moment } from '../../../src/schemas/moment.ts'
import { defaultLimit, idsQuery, pageHeaders, pageQuery } from '../../../src/schemas/page.ts'
import { requires } from '../../../src/schemas/security.ts'

const Text = (maxLength: number, description: string, example: string) =>
  Type.String({ minLength: 1, maxLength, description, examples: [example] })

const PostInput = Type.Object(
  {
    authorId: reference('getUser', 'The user who wrote it.'),
    title: Text(200, 'Title.', 'Seven ways'),
    body: Text(10_000, 'What it says.', 'There are seven ways to call an API.'),
    status: Enum(['draft', 'published', 'archived'], { description: 'Who may read it.', examples: ['draft'] }),
    views: Type.Integer({
      minimum: 0,
      maximum: Number.MAX_SAFE_INTEGER,
      description: 'How often it was read.',
      examples: [0],
    }),
    publishedAt: MaybeMoment('When it was published; null for never.'),
  },
  { $id: 'PostInput', additionalProperties: false, description: 'What a caller says of a post.' },
)

const Post = Type.Object(
  {
    id: Id,
    ...PostInput.properties,
    createdAt: Moment('When it was written.'),
    updatedAt: Moment('When it was last changed.'),
  },
  { $id: 'Post', additionalProperties: false, description: 'A post.' },
)

const PostPatch = Type.Partial(PostInput, {
  $id: 'PostPatch',
  additionalProperties: false,
  description: 'What a caller changes of a post (JSON Merge Patch, RFC 7396).',
})

const CommentInput = Type.Object(
  {
    postId: reference('getPost', 'The post that it is about.'),
    authorId: reference('getUser', 'The user who wrote it.'),
    text: Text(2000, 'What it says.', 'And an eighth?'),
  },
  { $id: 'CommentInput', additionalProperties: false, description: 'What a caller says of a comment.' },
)

const Comment = Type.Object(
  { id: Id, ...CommentInput.properties, createdAt: Moment('When it was written.') },
  { $id: 'Comment', additionalProperties: false, description: 'A comment on a post.' },
)

const postCollection: Declaration<typeof PostInput> = {
  name: 'posts',
  label: 'Post',
  input: PostInput,
  filters: { authorId: 'equals', status: 'equals' },
  events: eventsOf('post', '/posts', { data: Post, scope: 'posts:read' }),
  migrations: [
    {
      id: 'posts-1-create',
      up: ({ schema, createCollection, text, integer }) => [
        createCollection('posts')
          .addColumn('author_id', integer, (column) => column.notNull())
          .addColumn('title', text, (column) => column.notNull())
          .addColumn('body', text, (column) => column.notNull())
          .addColumn('status', text, (column) => column.notNull())
          .addColumn('views', integer, (column) => column.notNull())
          .addColumn('published_at', text),
        schema.createIndex('posts_author_id').on('posts').columns(['author_id', 'id']),
      ],
    },
  ],
}

const commentCollection: Declaration<typeof CommentInput> = {
  name: 'comments',
  label: 'Comment',
  input: CommentInput,
  filters: { postId: 'equals' },
  events: eventsOf('comment', '/comments', { data: Comment, scope: 'posts:read' }, ['created', 'deleted']),
  migrations: [
    {
      id: 'comments-1-create',
      up: ({ schema, createCollection, text, integer }) => [
        createCollection('comments')
          .addColumn('post_id', integer, (column) => column.notNull())
          .addColumn('author_id', integer, (column) => column.notNull())
          .addColumn('text', text, (column) => column.notNull()),
        schema.createIndex('comments_post_id').on('comments').columns(['post_id', 'id']),
      ],
    },
  ],
}

const tags = ['blog']
const reading = requires('posts:read')
const writing = requires('posts:write')
const params = Type.Object({ id: Id }, { additionalProperties: false })
const { link } = pageHeaders

/** A blog: posts with an author, and comments on them. */
const plugin: FastifyPluginAsyncTypebox = async (fastify) => {
  const posts = fastify.storage.collection(postCollection)
  const comments = fastify.storage.collection(commentCollection)

  fastify.route({
    method: 'GET',
    url: '/posts',
    schema: {
      operationId: 'listPosts',
      summary: 'List posts',
      description: 'A page of posts, of one author or in one state if asked for.',
      tags,
      security: reading,
      querystring: Type.Object(
        {
          ...pageQuery,
          ...idsQuery,
          authorId: Type.Optional(Type.Integer({ ...Id, description: 'Only of this user.' })),
          status: Type.Optional(Enum(['draft', 'published', 'archived'], { description: 'Only in this state.' })),
        },
        { additionalProperties: false },
      ),
      response: { 200: Type.Array(Post, { description: 'A page of posts.' }) },
      responseHeaders: { link },
    },
    handler: ({ query: { limit = defaultLimit, cursor, ids, authorId, status } }, reply) =>
      reply.page(posts.page(Post, { limit, cursor, filter: { id: ids, authorId: authorId?.toString(), status } })),
  })

  fastify.route({
    method: 'POST',
    url: '/posts',
    schema: {
      operationId: 'createPost',
      summary: 'Write a post',
      description: 'Adds a post. With `Idempotency-Key`, a request that is sent again creates nothing twice.',
      tags,
      security: writing,
      headers: headers(idempotencyKey),
      body: PostInput,
      response: { 201: Post },
      responseHeaders: createdHeaders,
      problems: ['idempotency-key-reused'],
    },
    handler: async (request, reply) => reply.created('/posts', await posts.insert(Post, request.body, request.once())),
  })

  fastify.route({
    method: 'GET',
    url: '/posts/:id',
    schema: {
      operationId: 'getPost',
      summary: 'Get a post',
      description: 'One post, with its version as `ETag`.',
      tags,
      security: reading,
      params,
      headers: headers(ifNoneMatch),
      response: { 200: Post },
      responseHeaders: etag,
      problems: ['not-found'],
    },
    handler: ({ params }, reply) => reply.etag(posts.get(Post, params.id)),
  })

  fastify.route({
    method: 'PATCH',
    url: '/posts/:id',
    schema: {
      operationId: 'updatePost',
      summary: 'Change a post',
      description: 'Changes the given properties (JSON Merge Patch, RFC 7396).',
      tags,
      security: writing,
      consumes: ['application/merge-patch+json', 'application/json'],
      params,
      headers: headers(ifMatch),
      body: PostPatch,
      response: { 200: Post },
      responseHeaders: etag,
      problems: ['not-found', 'precondition-failed'],
    },
    handler: (request, reply) => reply.etag(posts.update(Post, request.params.id, request.body, request.ifMatch())),
  })

  fastify.route({
    method: 'DELETE',
    url: '/posts/:id',
    schema: {
      operationId: 'deletePost',
      summary: 'Delete a post',
      description: 'Removes a post for good.',
      tags,
      security: writing,
      params,
      headers: headers(ifMatch),
      response: { 204: Type.Null({ description: 'The post is deleted.' }) },
      problems: ['not-found', 'precondition-failed'],
    },
    handler: async (request, reply) => {
      await posts.remove(request.params.id, request.ifMatch())
      return reply.code(204).send(null)
    },
  })

  fastify.route({
    method: 'GET',
    url: '/comments',
    schema: {
      operationId: 'listComments',
      summary: 'List comments',
      description: 'A page of comments, of one post if asked for.',
      tags,
      security: reading,
      querystring: Type.Object(
        { ...pageQuery, postId: Type.Optional(Type.Integer({ ...Id, description: 'Only on this post.' })) },
        { additionalProperties: false },
      ),
      response: { 200: Type.Array(Comment, { description: 'A page of comments.' }) },
      responseHeaders: { link },
    },
    handler: ({ query: { limit = defaultLimit, cursor, postId } }, reply) =>
      reply.page(comments.page(Comment, { limit, cursor, filter: { postId: postId?.toString() } })),
  })

  fastify.route({
    method: 'POST',
    url: '/comments',
    schema: {
      operationId: 'createComment',
      summary: 'Write a comment',
      description: 'Adds a comment to a post.',
      tags,
      security: writing,
      body: CommentInput,
      response: { 201: Comment },
      responseHeaders: { location: createdHeaders.location, etag: createdHeaders.etag },
      problems: ['not-found'],
    },
    handler: async ({ body }, reply) => {
      await posts.get(Post, body.postId)
      return reply.created('/comments', await comments.insert(Comment, body))
    },
  })

  fastify.route({
    method: 'GET',
    url: '/comments/:id',
    schema: {
      operationId: 'getComment',
      summary: 'Get a comment',
      description: 'One comment, with its version as `ETag`.',
      tags,
      security: reading,
      params,
      headers: headers(ifNoneMatch),
      response: { 200: Comment },
      responseHeaders: etag,
      problems: ['not-found'],
    },
    handler: ({ params }, reply) => reply.etag(comments.get(Comment, params.id)),
  })

  fastify.route({
    method: 'DELETE',
    url: '/comments/:id',
    schema: {
      operationId: 'deleteComment',
      summary: 'Delete a comment',
      description: 'Removes a comment for good.',
      tags,
      security: writing,
      params,
      headers: headers(ifMatch),
      response: { 204: Type.Null({ description: 'The comment is deleted.' }) },
      problems: ['not-found', 'precondition-failed'],
    },
    handler: async (request, reply) => {
      await comments.remove(request.params.id, request.ifMatch())
      return reply.code(204).send(null)
    },
  })
}

export default plugin
