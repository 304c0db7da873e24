/** A gRPC message begins with a flag (1 byte) and its length (4 bytes). */
const PREFIX_BYTES = 5;

/** Follows the bytes of a stream of gRPC messages: whether they end within a message. */
export class MessageProgress {
  private prefixLeft = PREFIX_BYTES;
  private bodyLeft = 0;

  get isWithinMessage(): boolean {
    return this.prefixLeft < PREFIX_BYTES;
  }

  /** Takes the next bytes. Returns how many of them belong to the unfinished message, if any. */
  add(chunk: Uint8Array): number {
    let begin = 0;
    let at = 0;
    while (at < chunk.byteLength) {
      if (this.prefixLeft > 0) {
        if (this.prefixLeft < PREFIX_BYTES) this.bodyLeft = this.bodyLeft * 256 + (chunk[at] ?? 0);
        this.prefixLeft -= 1;
        at += 1;
      } else {
        const taken = Math.min(this.bodyLeft, chunk.byteLength - at);
        this.bodyLeft -= taken;
        at += taken;
      }
      if (this.prefixLeft > 0 || this.bodyLeft > 0) continue;
      this.prefixLeft = PREFIX_BYTES;
      begin = at;
    }
    return at - begin;
  }
}
