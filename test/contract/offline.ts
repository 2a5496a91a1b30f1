/** Preloaded into foreign tools: every connection fails before a name is resolved or a packet sent. */

import { Socket } from 'node:net'

Socket.prototype.connect = () => {
  throw new Error('This process may not use the network')
}
