/** What YAML's parser says of a text (package `yaml`, YAMLParseError). */
interface ParserComplaint {
  readonly code: string;
  readonly message: string;
}

/**
 * What people do wrong, by the parser's code and, where one code stands for several things, by what its message says.
 * The first that fits is taken.
 */
const words: readonly (readonly [code: RegExp, message: RegExp, words: string])[] = [
  [/./, /closing ['"]/, 'a quotation mark is opened here and never closed: close it, or leave it out'],
  [/./, /end with an? \}/, '"{" is opened here and never closed: write "}" behind its last entry'],
  [/./, /end with an? \]/, '"[" is opened here and never closed: write "]" behind its last entry'],
  [/MISSING_CHAR/, /Missing ,/, 'a comma is missing before this'],
  [/MISSING_CHAR/, /space after :/, 'a space is missing after ":"'],
  [/MISSING_CHAR/, /map values/, 'a key is followed by ":" and its value'],
  [/MISSING_CHAR/, /Comments/, 'a space is missing before "#"'],
  [/MISSING_CHAR/, /- indicator/, 'each entry of a list begins with "- "'],
  [/BLOCK_IN_FLOW/, /./, 'a comma is missing after this, or quotation marks around a value that holds ": "'],
  [
    /END_OF_QUOTE/,
    /./,
    'a quotation mark ends before this: one inside a value is written twice, or the value stands in "…"',
  ],
  [/MULTILINE_IMPLICIT_KEY/, /./, 'a ":" is missing behind a key, here or in the line before'],
  [/BAD_INDENT/, /./, 'this line is indented otherwise than those it belongs to: they begin in one column'],
  [/TAB_AS_INDENT/, /./, 'a tab stands where YAML takes spaces alone: replace it by spaces'],
  [/DUPLICATE_KEY/, /./, 'this key stands twice: put both together into one'],
  [/MULTIPLE_DOCS/, /./, 'a second document begins here: leave "---" out'],
  [/BLOCK_AS_IMPLICIT_KEY/, /./, 'a value that holds ": " stands in quotation marks'],
  [/ALIAS|ANCHOR/, /./, 'what begins with "*" or "&" is an alias to YAML: put it in quotation marks'],
  [/TAG/, /./, 'what begins with "!" is a tag to YAML: put it in quotation marks'],
  [/BAD_DQ_ESCAPE/, /./, 'a "\\" between double quotation marks is written twice'],
  [
    /BAD_SCALAR_START|BAD_DIRECTIVE/,
    /./,
    'a value that begins with this character stands in quotation marks',
  ],
  [/RESOURCE_EXHAUSTION/, /./, 'it is nested too deep to be read'],
];

/** The same in words that need no knowledge of YAML's grammar, with what to do. */
export function yamlWords({ code: given, message }: ParserComplaint): string {
  const code = message.startsWith('Unexpected scalar at node end') ? 'END_OF_QUOTE' : given;
  const found = words.find(([codes, messages]) => codes.test(code) && messages.test(message));
  return found?.[2] ?? 'this does not belong here: what holds special characters stands in quotation marks';
}

/** Columns of the line that are shown around the place. */
const shown = 100;

/** The line that is meant, and below it a mark at the column; both counted from 1. */
export function markedLine(text: string, line: number, column: number): string {
  const whole = (text.split(/\r?\n/)[line - 1] ?? '').replaceAll('\t', ' ');
  const from = column > shown - 20 ? column - shown / 2 : 0;
  const number = `${line} | `;
  return `${number}${whole.slice(from, from + shown)}\n${' '.repeat(number.length + column - 1 - from)}^`;
}
