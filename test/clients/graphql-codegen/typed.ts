import type { CreateMutation, CreateMutationVariables, UsersQuery, UsersQueryVariables } from './generated/graphql.ts'

const variables: UsersQueryVariables = { limit: 1, sort: 'name_desc' }
const input: CreateMutationVariables = { name: 'Zoë', email: 'zoe@example.com' }

export function names({ listUsers }: UsersQuery): string[] {
  return listUsers?.items.map(({ id, name }) => `${id.toFixed()} ${name}`) ?? []
}

export function madeAt({ createUser }: CreateMutation): string | undefined {
  return createUser?.createdAt.slice(0, 10)
}

// @ts-expect-error: an order that the enum does not have
const wrong: UsersQueryVariables = { sort: 'nothing' }

export const all = [variables, input, wrong]
