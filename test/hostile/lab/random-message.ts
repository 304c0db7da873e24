import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import type { Random } from '../../support/random.js';

const TEXTS = ['', 'weather', 'default', '*', '\u0000', 'x'.repeat(5_000), '\u{1F600}', '../..'];

/** Fields of any number, type and content, messages in messages among them. */
export function randomMessage(random: Random, depth = 4): Uint8Array {
  const writer = new BinaryWriter();
  for (let left = random.below(6); left > 0; left -= 1) {
    const number = 1 + random.below(random.oneIn(4) ? 2_000 : 9);
    switch (random.below(depth > 0 ? 6 : 5)) {
      case 0:
        writer.tag(number, WireType.Varint).uint64(String(random.below(2 ** 31)));
        break;
      case 1:
        writer.tag(number, WireType.Bit64).fixed64(String(random.below(2 ** 31)));
        break;
      case 2:
        writer.tag(number, WireType.Bit32).fixed32(random.below(2 ** 31));
        break;
      case 3:
        writer.tag(number, WireType.LengthDelimited).string(random.pick(TEXTS));
        break;
      case 4:
        writer.tag(number, WireType.LengthDelimited).bytes(randomBytes(random, random.below(40)));
        break;
      default:
        writer.tag(number, WireType.LengthDelimited).bytes(randomMessage(random, depth - 1));
    }
  }
  return writer.finish();
}

/** The same bytes with some of them changed, left out or put in. */
export function mutate(random: Random, bytes: Uint8Array): Buffer {
  const mutated = [...bytes];
  for (let left = 1 + random.below(8); left > 0; left -= 1) {
    const at = random.below(mutated.length + 1);
    const change = random.below(3);
    if (change === 0) mutated.splice(at, 1);
    else mutated.splice(at, change === 1 ? 1 : 0, random.below(256));
  }
  return Buffer.from(mutated);
}

function randomBytes(random: Random, count: number): Uint8Array {
  return Uint8Array.from({ length: count }, () => random.below(256));
}
