/** Names come from databases: what can't be seen, or turns the text around it, is written as its code point. */
export function visible(text: string): string {
  return text.replaceAll(/(?![\n\t])[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, (character) => {
    // Emoji and several scripts are spelt with joiners.
    if (character === '\u200d' || character === '\u200c') return character;
    return `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;
  });
}

/**
 * The same for a terminal and for a log of GitHub's, whose runner obeys lines that begin with `::` and whatever follows
 * `##[` ("Workflow commands for GitHub Actions", and the older form, which it still reads).
 */
export function harmless(text: string): string {
  return visible(text)
    .replaceAll(/^(\s*):(?=:)/gm, '$1\\u{3a}')
    .replaceAll('##[', '##\\u{5b}');
}
