// The binary format of WebAssembly: numbers, vectors and sections as bytes.

/** Bytes, nested for cheap concatenation; flattened once. */
export type Code = number | Uint8Array | readonly Code[];

/** All bytes of nested code in order. */
export function flatten(code: Code): Uint8Array<ArrayBuffer> {
  const length = write(code, 0); // may replace the buffer
  return scratch.slice(0, length);
}

let scratch = new Uint8Array(1 << 14);

/** Writes code at a position of the scratch buffer and returns the position behind it. */
function write(code: Code, at: number): number {
  if (typeof code === "number") return write([code], at);
  let end = at;
  reserve(end + code.length);
  if (!Array.isArray(code)) {
    scratch.set(code as Uint8Array, end);
    return end + code.length;
  }
  for (let i = 0; i < code.length; i++) {
    const part: Code = code[i];
    if (typeof part !== "number") end = write(part, end);
    else {
      if (end === scratch.length) reserve(end + 1);
      scratch[end++] = part;
    }
  }
  return end;
}

function reserve(length: number): void {
  if (length <= scratch.length) return;
  const larger = new Uint8Array(2 * length);
  larger.set(scratch);
  scratch = larger;
}

/** An unsigned number in LEB128. */
export function unsigned(value: number): Code {
  if (value < 128) return value;
  const bytes: number[] = [];
  let rest = value;
  do {
    const low = rest % 128;
    rest = Math.floor(rest / 128);
    bytes.push(rest > 0 ? low | 128 : low);
  } while (rest > 0);
  return bytes;
}

/** A signed 32-bit number in LEB128. */
export function signed(value: number): Code {
  const bytes: number[] = [];
  let rest = value | 0;
  for (;;) {
    const low = rest & 127;
    rest >>= 7;
    const done = (rest === 0 && (low & 64) === 0) || (rest === -1 && (low & 64) !== 0);
    bytes.push(done ? low : low | 128);
    if (done) return bytes;
  }
}

/** The four bytes of a float32. */
export function float32Bytes(value: number): Code {
  return new Uint8Array(new Float32Array([value]).buffer);
}

/** A vector: its length, then its items. */
export function vector(items: readonly Code[]): Code {
  return [unsigned(items.length), items];
}

/** Bytes preceded by their number. */
export function sized(code: Code): Code {
  const bytes = flatten(code);
  return [unsigned(bytes.length), bytes];
}

/** A name: its length and its UTF-8 bytes. */
export function text(name: string): Code {
  return sized(new TextEncoder().encode(name));
}
