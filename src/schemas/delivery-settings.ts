/** The settings of deliveries, among all others in `config.ts`. */

import { Type } from '@sinclair/typebox'

/** Seconds, to the millisecond; source of a pattern. */
const seconds = '\\d{1,7}(\\.\\d{1,3})?'

export const deliverySettings = {
  WEBHOOK_ALLOW: Type.String({
    default: '',
    description:
      'What WebHooks may be sent to beside public addresses over https: hosts, addresses and networks, separated by commas.',
  }),
  WEBHOOK_TIMEOUT: Type.Integer({
    default: 15_000,
    minimum: 100,
    maximum: 60_000,
    description: 'The longest that an attempt to deliver an event takes, in ms.',
  }),
  WEBHOOK_WAITS: Type.String({
    default: '0 5 300 1800 7200 18000 36000 50400 72000 86400',
    pattern: `^${seconds}( ${seconds}){0,49}$`,
    description: 'Seconds before each attempt to deliver an event, the first and those after a failure.',
  }),
  WEBHOOK_CONCURRENCY: Type.Integer({
    default: 64,
    minimum: 1,
    maximum: 1000,
    description: 'Attempts under way at once for one endpoint.',
  }),
}

/** The waits of `WEBHOOK_WAITS`, in ms. */
export function waitsOf(setting: string): number[] {
  return setting.split(' ').map((wait) => Number(wait) * 1000)
}
