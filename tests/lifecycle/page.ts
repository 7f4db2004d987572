import { readDocument } from '../docs/document.ts';

/** The shell fences of one section, whatever its level, without the indentation that a list gives them. */
export function commandsOf(page: string, section: string): string[] {
  const { text } = readDocument(page);
  const [, ...sections] = text.split(/^#+ (?=\S)/m);
  const found = sections.find((each) => each.startsWith(`${section}\n`));
  if (found === undefined) throw new Error(`${page} has no section "${section}"`);
  const fences = [...found.matchAll(/^( *)```sh\n([\s\S]*?)^ *```$/gm)];
  return fences.map(([, indentation = '', script = '']) =>
    script.replaceAll(`\n${indentation}`, '\n').slice(indentation.length),
  );
}
