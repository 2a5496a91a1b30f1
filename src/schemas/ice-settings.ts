/** The settings of ICE servers, among all others in `config.ts`. */

import { Type } from '@sinclair/typebox'

/** URLs of these schemes (RFC 7064, RFC 7065), separated by commas; source of a pattern. */
const urls = (schemes: string) => `^(\\s*(${schemes}):[A-Za-z0-9.:?=\\[\\]-]+\\s*(,|$))*$`

export const iceSettings = {
  STUN_URLS: Type.String({
    default: '',
    pattern: urls('stuns?'),
    description: 'STUN servers that browsers may use, such as `stun:stun.example.com:3478`, separated by commas.',
  }),
  TURN_URLS: Type.String({
    default: '',
    pattern: urls('turns?'),
    description: 'TURN servers that browsers may use, separated by commas; with `TURN_SECRET`.',
  }),
  TURN_SECRET: Type.Optional(
    Type.String({
      minLength: 16,
      description: 'Secret of at least 16 characters that those servers have too: `static-auth-secret` of coturn.',
    }),
  ),
  TURN_MINUTES: Type.Integer({
    default: 60,
    minimum: 1,
    maximum: 1440,
    description: 'How long a credential for those servers is good at least; a tenth longer at most.',
  }),
}
