import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';

export const projectFolder = fileURLToPath(new URL('../..', import.meta.url));

/** A page of Markdown, as far as the tests look at it. */
export interface Document {
  /** Relative to the project. */
  readonly path: string;
  readonly headings: readonly { readonly level: number; readonly text: string }[];
  /** Targets of links and pictures within the project; `anchor` is '' where there is none. */
  readonly links: readonly { readonly file: string; readonly anchor: string }[];
  readonly fences: readonly Fence[];
  /** Inline code, each span as one line. */
  readonly spans: readonly string[];
  readonly text: string;
}

export interface Fence {
  readonly language: string;
  readonly text: string;
}

/** Everything that people are pointed to: the pages at the top and in docs/. */
export function readDocuments(): readonly Document[] {
  const inDocs = readdirSync(join(projectFolder, 'docs')).filter((name) => name.endsWith('.md'));
  return ['README.md', 'SECURITY.md', ...inDocs.sort().map((name) => `docs/${name}`)].map(readDocument);
}

export function readDocument(path: string): Document {
  const text = readFileSync(join(projectFolder, path), 'utf8');
  const fences: Fence[] = [];
  const prose = text.replace(fence, (_, _indent, language: string, content: string) => {
    fences.push({ language, text: content });
    return '';
  });
  const spans = [...prose.matchAll(/`([^`]+)`/g)].map(([, span = '']) => span.replaceAll(/\s+/g, ' '));
  const withoutCode = prose.replaceAll(/`[^`]+`/g, (span) => span.replaceAll(/[[\]()]/g, ' '));
  return {
    path,
    text,
    fences,
    spans,
    headings: [...prose.matchAll(/^(#{1,6}) (.+)$/gm)].map(([, marks = '', words = '']) => ({
      level: marks.length,
      text: words.trim(),
    })),
    links: [...withoutCode.matchAll(/\]\(([^)\s]+)\)/g)].flatMap(([, target = '']) => linkOf(path, target)),
  };
}

const fence = /^( *)```(\w*)[^\n]*\n([\s\S]*?)^\1```$/gm;

function linkOf(path: string, target: string): Document['links'] {
  if (/^[a-z]+:/.test(target)) return [];
  const [file = '', anchor = ''] = target.split('#');
  return [{ file: file === '' ? path : normalize(join(dirname(path), file)), anchor }];
}

/** What GitHub makes of a heading for links to it. */
export function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-');
}

/** What a reader would type into a shell: lines of shell blocks and inline code, one command each. */
export function shellCommands({ fences, spans }: Document): string[] {
  const lines = fences
    .filter(({ language }) => ['sh', 'bash', 'console', 'shell'].includes(language))
    .flatMap(({ text }) => text.replaceAll(/\\\n\s*/g, ' ').split('\n'))
    .map((line) => line.replace(/^\s*\$ /, '').replace(/(^|\s)#.*$/, ''));
  return [...lines, ...spans]
    .flatMap((line) => line.split(/&&|\|\||[;|]/))
    .map((command) => command.trim())
    .filter((command) => command !== '');
}
