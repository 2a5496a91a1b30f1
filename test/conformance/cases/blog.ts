/** The example: posts with an author, and comments on them. */

import type { Result } from '../clients/client.ts'
import { asAdmin, type Case, cursorOf, failed, idOf, invalid, type Step, several } from './case.ts'

const post = {
  authorId: 1,
  title: 'Seven ways',
  body: 'Text',
  status: 'draft',
  views: 9_007_199_254_740_991,
  publishedAt: '2026-11-25T12:00:00.000Z',
}
const text = 'And an eighth?'

function step(operationId: string, input: object, expect: object): Step {
  return { operationId, input: input as NonNullable<Step['input']>, headers: asAdmin, expect }
}

const made = step('createPost', post, { value: post, meta: { location: /^\/posts\/\d+$/, etag: '"1"' } })

export const blogCases: readonly Case[] = [
  several('a post', made, (results) => step('getPost', { id: idOf(results) }, { value: post, meta: { etag: '"1"' } })),
  several(
    'a post of the longest text',
    step('createPost', { ...post, body: 'é'.repeat(10_000) }, { value: { body: 'é'.repeat(10_000) } }),
  ),
  several(
    'a post that is not there',
    step('getPost', { id: 999 }, failed('not-found', 404, { detail: 'Post not found' })),
  ),
  several(
    'a post that is changed, and deleted',
    made,
    (results) =>
      step(
        'updatePost',
        { id: idOf(results), publishedAt: null, title: 'Eight' },
        {
          value: { ...post, publishedAt: null, title: 'Eight' },
          meta: { etag: '"2"' },
        },
      ),
    (results) => step('updatePost', { id: idOf(results), status: 'lost' }, invalid('/status')),
    (results) => step('updatePost', { id: idOf(results), publishedAt: 'soon' }, invalid('/publishedAt')),
    (results) => step('deletePost', { id: idOf(results) }, { value: null }),
    (results) => step('deletePost', { id: idOf(results) }, failed('not-found', 404)),
  ),
  several('what has happened to a post', made, (results) =>
    step(
      'listEvents',
      { types: ['post.*'], subject: `/posts/${idOf(results)}` },
      { value: { items: [{ type: 'post.created', data: { title: 'Seven ways', status: 'draft' } }] } },
    ),
  ),
  several(
    'posts of an author in a state, to the end',
    ...[3, 3, 4, 3].map((authorId) =>
      step(
        'createPost',
        { ...post, authorId, status: 'published', publishedAt: null },
        { value: { authorId, publishedAt: null } },
      ),
    ),
    step(
      'listPosts',
      { authorId: 3, status: 'published', limit: 2 },
      { value: { items: [{ authorId: 3 }, { authorId: 3 }] } },
    ),
    (results) =>
      step(
        'listPosts',
        {
          authorId: 3,
          status: 'published',
          limit: 2,
          cursor: cursorOf(results),
        },
        { value: { items: [{ id: idOf(results, 3) }], nextCursor: null } },
      ),
    step('listPosts', { authorId: 3, status: 'archived' }, { value: { items: [], nextCursor: null } }),
    step('listPosts', { status: 'lost' }, invalid('/status')),
  ),
  several(
    'comments on a post',
    made,
    ...['first', 'second'].map(
      (text) => (results: readonly Result[]) =>
        step('createComment', { postId: idOf(results), authorId: 2, text }, { value: { authorId: 2, text } }),
    ),
    (results) =>
      step(
        'listComments',
        { postId: idOf(results) },
        { value: { items: [{ text: 'first' }, { text: 'second' }], nextCursor: null } },
      ),
    (results) => step('getComment', { id: idOf(results, 1) }, { value: { id: idOf(results, 1), text: 'first' } }),
    (results) => step('deleteComment', { id: idOf(results, 1) }, { value: null }),
    (results) => step('getComment', { id: idOf(results, 1) }, failed('not-found', 404)),
  ),
  several(
    'a comment on no post',
    step('createComment', { postId: 999, authorId: 2, text }, failed('not-found', 404, { detail: 'Post not found' })),
  ),
]
