import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { Metadata, type Client } from '@grpc/grpc-js';

/** Calls a unary method with bytes as they are; answers bytes. */
export function callRaw(
  client: Pick<Client, 'makeUnaryRequest'>,
  path: string,
  bytes: Buffer,
  metadata = new Metadata(),
): Promise<Buffer> {
  const same = (buffer: Buffer): Buffer => buffer;
  return new Promise((resolve, reject) => {
    const options = { deadline: Date.now() + 30_000 };
    client.makeUnaryRequest(path, same, same, bytes, metadata, options, (error, answer) => {
      if (error !== null) reject(error);
      else resolve(answer ?? Buffer.alloc(0));
    });
  });
}

/** A copy in which the only occurrence of `text` is as long as before, but not UTF-8. */
export function damageText(message: Buffer, text: string): Buffer {
  const at = message.indexOf(text);
  if (at < 0 || message.includes(text, at + 1)) throw new Error(`${text} must be there once`);
  const damaged = Buffer.from(message);
  damaged.fill(0xff, at, at + text.length);
  return damaged;
}

/** `message` with one more field, whether its type knows the number or not. */
export function withField(message: Uint8Array, number: number, value: Uint8Array): Buffer {
  const field = new BinaryWriter().tag(number, WireType.LengthDelimited).bytes(value).finish();
  return Buffer.concat([message, field]);
}
