// The binary format of WebAssembly: numbers, vectors and sections as bytes.

/** Bytes, nested for cheap concatenation; flattened once. */
export type Code = number | readonly Code[];

/** All bytes of nested code in order. */
export function flatten(code: Code): Uint8Array<ArrayBuffer> {
  const bytes: number[] = [];
  const visit = (part: Code): void => {
    if (typeof part === "number") bytes.push(part);
    else for (let i = 0; i < part.length; i++) visit(part[i]);
  };
  visit(code);
  return Uint8Array.from(bytes);
}

/** An unsigned number in LEB128. */
export function unsigned(value: number): Code {
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
  return [...new Uint8Array(new Float32Array([value]).buffer)];
}

/** A vector: its length, then its items. */
export function vector(items: readonly Code[]): Code {
  return [unsigned(items.length), items];
}

/** Bytes preceded by their number. */
export function sized(code: Code): Code {
  const bytes = flatten(code);
  return [unsigned(bytes.length), [...bytes]];
}

/** A name: its length and its UTF-8 bytes. */
export function text(name: string): Code {
  return sized([...new TextEncoder().encode(name)]);
}
