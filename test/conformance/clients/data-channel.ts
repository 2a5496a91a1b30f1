/** JSON-RPC over a data channel of WebRTC. */

import { connect } from '../../protocols/webrtc/client.ts'
import type { Wire } from './client.ts'
import { RpcClient } from './json-rpc.ts'

export const dataChannel: Wire = {
  name: 'JSON-RPC over a data channel',
  differences: [],
  unsaid: [[/^no credential where anonymous callers may do nothing/, 'the offer of a channel is refused, 401']],
  async open(t, base) {
    const peer = await connect(t, base)
    const client = new RpcClient((text) => peer.write(text))
    peer.onText = (text) => client.take(text)
    return client
  },
}
