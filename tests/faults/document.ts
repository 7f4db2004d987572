import { existsSync, readFileSync, writeFileSync } from 'node:fs';

/** Puts measured text between the marks of its section in a Markdown file: `<!-- name: begin -->`, `<!-- name: end -->`. */
export function writeSection(file: string, name: string, content: string): void {
  const begin = `<!-- ${name}: begin -->`;
  const end = `<!-- ${name}: end -->`;
  const text = existsSync(file) ? readFileSync(file, 'utf8') : `${begin}\n${end}\n`;
  const [before = '', rest = ''] = text.split(begin);
  writeFileSync(file, `${before}${begin}\n\n${content.trim()}\n\n${end}${rest.split(end)[1] ?? ''}`);
}
