/** Actions by the full id of a commit: a tag can be moved to other code. */
export const actions = {
  'actions/checkout': { commit: 'd23441a48e516b6c34aea4fa41551a30e30af803', version: 'v6.1.0' },
  'actions/setup-node': { commit: '249970729cb0ef3589644e2896645e5dc5ba9c38', version: 'v6.5.0' },
  'pulumi/actions': { commit: '8e5e406f4007fca908480587cb9893c07090f58d', version: 'v7.0.0' },
  'actions/upload-artifact': { commit: 'b7c566a772e6b6bfb58ed0dc250532a479d7789f', version: 'v6.0.0' },
} as const;

export type ActionName = keyof typeof actions;

/** One step as GitHub reads it. */
export interface Step {
  readonly name: string;
  readonly id?: string;
  readonly if?: string;
  readonly 'continue-on-error'?: boolean;
  readonly 'timeout-minutes'?: number;
  readonly uses?: string;
  readonly with?: Readonly<Record<string, unknown>>;
  readonly env?: Readonly<Record<string, string>>;
  readonly shell?: 'bash';
  readonly run?: string;
}

export function use(name: ActionName): string {
  return `${name}@${actions[name].commit}`;
}

/** What GitHub fills in. Never inside a `run`: there it would be taken as shell code. */
export function expression(text: string): string {
  return `\${{ ${text} }}`;
}

/** Those of the secrets that there are, as environment variables of the same names. */
export function secretEnvironment(
  names: readonly string[],
  wanted: readonly string[] = names,
): Readonly<Record<string, string>> {
  const granted = names.filter((name) => wanted.includes(name));
  return Object.fromEntries(granted.map((name) => [name, expression(`secrets.${name}`)]));
}

/** The engine and nothing else of the repository, from the default branch whichever one the run was started from. */
export function checkOutEngine(branch: string, folder: string): Step {
  return checkOut('Check Out the Engine and its Policy', branch, { 'sparse-checkout': folder });
}

export function checkOut(name: string, branch: string, inputs: Step['with'] = {}): Step {
  return {
    name,
    uses: use('actions/checkout'),
    with: { ref: branch, ...inputs, 'persist-credentials': false },
  };
}

export function setUpNode(): Step {
  return {
    name: 'Set Up Node 24',
    uses: use('actions/setup-node'),
    with: { 'node-version': '24', 'package-manager-cache': false },
  };
}
