import { type Finding, kind, known, type Managed } from './managed.ts';

/** Properties that Pulumi and GitHub keep in clear, by type. */
const clear: Readonly<Record<string, readonly string[]>> = {
  [kind.file]: ['content', 'commitMessage'],
  [kind.variable]: ['value'],
  [kind.command]: ['create', 'update', 'delete', 'triggers', 'interpreter'],
};

/** What no clear text may hold, and what to call it in a message. */
const secrets: readonly { readonly pattern: RegExp; readonly name: string }[] = [
  {
    // The word "password" itself is what a help text has there.
    pattern: /postgres(?:ql)?:\/\/[^\s:@/'"${]+:(?!password@)[^\s@/'"${]+@/i,
    name: 'a connection string with its password',
  },
  { pattern: /\bdo[opr]_v1_[0-9a-f]{64}\b/, name: "a token of DigitalOcean's" },
  { pattern: /\b(?:gh[pousr]_[A-Za-z0-9]{36}|github_pat_\w{22,})/, name: "a token of GitHub's" },
  { pattern: /\bAGE-SECRET-KEY-1[0-9A-Z]{58}\b/, name: 'an age identity' },
  { pattern: /-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----/, name: 'a private key' },
];

/** Secrets where everybody who may read the state or the repository reads them. */
export function clearSecrets(resources: readonly Managed[]): readonly Finding[] {
  return resources.flatMap((resource) =>
    (clear[resource.type] ?? []).flatMap((property) => {
      const text = known(() => JSON.stringify(resource.props[property]));
      const found = secrets.find(({ pattern }) => pattern.test(text ?? ''));
      return found ? [{ message: `${resource.name}: ${property} holds ${found.name} in clear` }] : [];
    }),
  );
}
