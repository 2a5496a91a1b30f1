/** Frames that a server sends: whole texts, not masked (RFC 6455 section 5.2). The library writes each in two parts. */

/** FIN, and the opcode of a text. */
const wholeText = 0x81
const longest = { short: 125, medium: 0xffff }

/** The texts as frames, one behind the other. */
export function textFrames(texts: readonly string[]): Buffer {
  let size = 0
  const lengths = texts.map((text) => {
    const length = Buffer.byteLength(text)
    size += headerLength(length) + length
    return length
  })
  const frames = Buffer.allocUnsafe(size)
  let at = 0
  texts.forEach((text, index) => {
    at = writeHeader(frames, lengths[index] as number, at)
    at += frames.write(text, at)
  })
  return frames
}

function headerLength(length: number): number {
  if (length <= longest.short) return 2
  return length <= longest.medium ? 4 : 10
}

/** Gives where the payload begins. */
function writeHeader(frames: Buffer, length: number, at: number): number {
  frames[at] = wholeText
  if (length <= longest.short) {
    frames[at + 1] = length
    return at + 2
  }
  if (length <= longest.medium) {
    frames[at + 1] = 126
    return frames.writeUInt16BE(length, at + 2)
  }
  frames[at + 1] = 127
  return frames.writeUIntBE(length, frames.writeUInt16BE(0, at + 2), 6)
}
