/** What has happened, by the page. */

import { type Case, one } from './case.ts'

const about = (id: number) => ({
  specversion: '1.0',
  type: 'user.created',
  subject: `/users/${id}`,
  datacontenttype: 'application/json',
  sequence: `000000000000000${id}`,
  data: { id },
})
const invalid = (pointer: string) => ({ problem: { code: 'validation-failed', pointers: [pointer] } })

export const eventCases: readonly Case[] = [
  one(
    'events of a type',
    'listEvents',
    { types: ['user.created'], limit: 2 },
    { value: { items: [about(1), about(2)] } },
  ),
  one(
    'events, one at a time',
    'listEvents',
    { limit: 1, types: ['user.*'] },
    { value: { items: [about(1)], nextCursor: '0000000000000001' } },
  ),
  one(
    'events behind one that was seen',
    'listEvents',
    { cursor: '0000000000000001', limit: 1, types: ['user.*'] },
    { value: { items: [about(2)] } },
  ),
  one(
    'events of a subject',
    'listEvents',
    { subject: '/users/2', types: ['user.created'] },
    { value: { items: [about(2)] } },
  ),
  one('events of no type', 'listEvents', { types: ['user.gone'] }, invalid('/types/0')),
  one('events behind none', 'listEvents', { cursor: '9999999999999999' }, invalid('/cursor')),
]
