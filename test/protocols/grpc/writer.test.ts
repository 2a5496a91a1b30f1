import protobuf from 'protobufjs/minimal.js'
import { test } from 'tap'
import { Writer } from '../../../src/protocols/grpc/writer.ts'

type Step = (writer: Pick<Writer, 'uint32' | 'int32' | 'int64' | 'double' | 'bool' | 'string'>) => unknown

const whole = [0, 1, 127, 128, 16_383, 16_384, 2 ** 31 - 1, 2 ** 31, 2 ** 32, 2 ** 40 + 5, Number.MAX_SAFE_INTEGER]
const texts = ['', 'a', 'é', '€', '👩🏽‍🚀', 'n'.repeat(42), 'é'.repeat(43), '€'.repeat(127), 'l'.repeat(40_000)]
const steps: Step[] = [
  ...whole.flatMap((value): Step[] => [(w) => w.int64(value), (w) => w.int64(-value)]),
  ...[0, 1, -1, 2 ** 31 - 1, -(2 ** 31)].map(
    (value): Step =>
      (w) =>
        w.int32(value),
  ),
  ...[0, 300, 2 ** 32 - 1].map(
    (value): Step =>
      (w) =>
        w.uint32(value),
  ),
  ...[0, -0.5, 1e300, 5e-324].map(
    (value): Step =>
      (w) =>
        w.double(value),
  ),
  ...texts.map(
    (text): Step =>
      (w) =>
        w.string(text),
  ),
  (w) => w.bool(true),
  (w) => w.bool(false),
]

test('every value is written as protobufjs writes it', (t) => {
  for (const step of steps) {
    const [own, theirs] = [new Writer(), protobuf.Writer.create()]
    step(own)
    step(theirs as unknown as Writer)
    t.same(own.finish(), Buffer.from(theirs.finish()))
  }
  t.end()
})

test('messages in messages have the length that they have, however long that is', (t) => {
  for (const size of [0, 1, 126, 127, 128, 16_380, 16_384, 70_000, 2_097_150, 2_097_160]) {
    const text = 's'.repeat(size)
    const [own, theirs] = [new Writer(), protobuf.Writer.create()]
    for (const writer of [own, theirs as unknown as Writer])
      writer.uint32(10).fork().uint32(18).fork().string(text).ldelim().uint32(7).ldelim().uint32(1)
    t.ok(own.finish().equals(Buffer.from(theirs.finish())), `${size}`)
  }
  t.end()
})

test('whole numbers of 64 bits are exact', (t) => {
  for (const value of [2n ** 63n - 1n, -(2n ** 63n), 2n ** 53n + 1n]) {
    const read = protobuf.Reader.create(new Writer().int64(value).finish()).int64()
    t.equal(String(read), String(value))
  }
  t.end()
})
