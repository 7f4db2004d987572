/** Bytes that mean something to the lexer of SQL (psqlscan.l). */
export const [quote, doubleQuote, dollar, semicolon, backslash] = [0x27, 0x22, 0x24, 0x3b, 0x5c];
export const [openParenthesis, closeParenthesis, dash, slash, star] = [0x28, 0x29, 0x2d, 0x2f, 0x2a];
export const [newline, carriageReturn] = [0x0a, 0x0d];

export function isWordStart(byte: number): boolean {
  return (byte >= 0x61 && byte <= 0x7a) || (byte >= 0x41 && byte <= 0x5a) || byte === 0x5f || byte >= 0x80;
}

export function isWordPart(byte: number): boolean {
  return isWordStart(byte) || (byte >= 0x30 && byte <= 0x39) || byte === dollar;
}

/** UTF-8's byte order mark, which some editors put at the beginning. */
export function isMark(bytes: Buffer, at: number): boolean {
  return bytes[at] === 0xef && bytes[at + 1] === 0xbb && bytes[at + 2] === 0xbf;
}

/** The server ends a `--` comment at either. */
export function lineEnd(bytes: Buffer, from: number): number {
  const end = bytes.indexOf(newline, from);
  const early = bytes.subarray(from, end < 0 ? bytes.length : end).indexOf(carriageReturn);
  return early < 0 ? end : from + early;
}
