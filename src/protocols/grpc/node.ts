/** Messages that no operation has, as values by their fields' numbers. */

import { Writer } from './writer.ts'

/** Fields in the order that they are written in: texts, bytes and messages with a length, numbers as varints. */
export type Node = readonly (readonly [number: number, value: string | number | boolean | Uint8Array | Node])[]

export function encodeNode(node: Node): Buffer {
  return write(node, new Writer()).finish()
}

function write(node: Node, writer: Writer): Writer {
  for (const [number, value] of node) {
    if (typeof value === 'number' || typeof value === 'boolean') writer.uint32((number << 3) >>> 0).int32(Number(value))
    else if (typeof value === 'string') writer.uint32((number << 3) | 2).string(value)
    else if (value instanceof Uint8Array) writer.uint32((number << 3) | 2).bytes(value)
    else write(value, writer.uint32((number << 3) | 2).fork()).ldelim()
  }
  return writer
}
