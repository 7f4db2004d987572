/** Lines that Pulumi prints for every resource before the one that counts, and what our own lines say already. */
const noise: readonly RegExp[] = [
  /^@ /,
  /^\s*$/,
  /\b(creating|updating|deleting|replacing|refreshing|reading)( replacement| original)? \([\d.]+s\)\s*(\[diff: [^\]]*\];?)?\s*$/,
  /\brefresh \([\d.]+s\)\s*$/,
  /warning: using pulumi-resource-\S+ from \$PATH/,
  /^The resources in the stack have been deleted/,
  /^If you want to remove the stack completely/,
];

/** Passes on the CLI's lines, which come in pieces, without those that tell a person nothing. */
export function linesOfPulumi(say: (line: string) => void): (text: string) => void {
  let rest = '';
  return (text) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) if (!noise.some((pattern) => pattern.test(line))) say(line.trimEnd());
  };
}
