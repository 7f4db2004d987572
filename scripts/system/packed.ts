import { deserialize, serialize } from 'node:v8';
import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';

const quickly = { params: { [constants.ZSTD_c_compressionLevel]: 1 } };

/**
 * A value that nobody wants for a while: a few hundredths of its memory, outside of V8's heap, and read from there each
 * time that the function is called. For plain values of a few megabytes: their bytes are there as a whole meanwhile.
 */
export function packed<Value>(value: Value): () => Value {
  const bytes = zstdCompressSync(serialize(value), quickly);
  return () => deserialize(zstdDecompressSync(bytes)) as Value;
}
