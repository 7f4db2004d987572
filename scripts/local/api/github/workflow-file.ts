import { createHash } from 'node:crypto';
import { parse } from 'yaml';
import * as z from 'zod';
import { contentOf, findCommit } from './history.ts';
import type { CommitRecord, RepositoryRecord } from './hub.ts';

const inputSchema = z.object({
  type: z.string().default('string'),
  required: z.boolean().default(false),
  default: z.union([z.string(), z.number(), z.boolean()]).optional(),
  options: z.array(z.string()).optional(),
});
const fileSchema = z.object({
  name: z.string().optional(),
  'run-name': z.string().optional(),
  on: z.union([
    z.string().transform((event) => [event]),
    z.array(z.string()),
    z.record(z.string(), z.unknown()),
  ]),
  jobs: z.record(z.string(), z.object({ name: z.string().optional() }).nullish()).default({}),
});
const dispatchSchema = z.object({ inputs: z.record(z.string(), inputSchema.nullish()).nullish() }).nullish();

/** What the emulation reads of a workflow file. */
export interface WorkflowFile {
  /** The same path always has the same id. */
  readonly id: number;
  readonly path: string;
  readonly name: string;
  readonly runName: string | undefined;
  readonly jobs: readonly string[];
  /** Inputs of `workflow_dispatch`, undefined when the workflow can't be started by hand. */
  readonly inputs: Readonly<Record<string, z.infer<typeof inputSchema>>> | undefined;
}

/** The workflows of the default branch; a file that is no workflow counts with its path as its name. */
export function workflowsOf(repository: RepositoryRecord): readonly WorkflowFile[] {
  const commit = findCommit(repository, repository.default_branch);
  return Object.keys(commit?.files ?? {})
    .filter((path) => /^\.github\/workflows\/[^/]+\.ya?ml$/.test(path))
    .map((path) => readWorkflow(repository, commit, path))
    .filter((workflow) => workflow !== undefined);
}

/** The workflow as it stands in that commit; undefined when it is not there. */
export function readWorkflow(
  repository: RepositoryRecord,
  commit: CommitRecord | undefined,
  path: string,
): WorkflowFile | undefined {
  const sha = commit?.files[path];
  if (sha === undefined) return undefined;
  const file = parseFile(contentOf(repository, sha).toString('utf8'));
  const dispatch = file && !Array.isArray(file.on) ? file.on.workflow_dispatch : undefined;
  const startable =
    file && (Array.isArray(file.on) ? file.on.includes('workflow_dispatch') : 'workflow_dispatch' in file.on);
  return {
    id: createHash('sha256').update(path).digest().readUInt32BE(0) >>> 1,
    path,
    name: file?.name ?? path,
    runName: file?.['run-name'],
    jobs: Object.entries(file?.jobs ?? {}).map(([id, job]) => job?.name ?? id),
    inputs: startable ? inputsOf(dispatch) : undefined,
  };
}

/**
 * The title of a run: `run-name` with its expressions filled in. Understood are `inputs.x`, `github.event.inputs.x`,
 * `github.run_number`, quoted texts, and `||` between them; anything else becomes empty.
 */
export function runTitle(
  workflow: WorkflowFile,
  inputs: Readonly<Record<string, string>>,
  number: number,
): string {
  const title = workflow.runName?.replace(
    /\$\{\{(.*?)\}\}/g,
    (_, expression: string) =>
      expression
        .split('||')
        .map((term) => termValue(term.trim(), inputs, number))
        .find((value) => value !== '') ?? '',
  );
  return title?.trim() || workflow.name;
}

function termValue(term: string, inputs: Readonly<Record<string, string>>, number: number): string {
  const quoted = /^'(.*)'$/.exec(term);
  if (quoted) return quoted[1] ?? '';
  const input = /^(?:github\.event\.)?inputs\.([\w-]+)$/.exec(term);
  if (input) return inputs[input[1] ?? ''] ?? '';
  return term === 'github.run_number' ? String(number) : '';
}

function parseFile(text: string): z.infer<typeof fileSchema> | undefined {
  try {
    return fileSchema.safeParse(parse(text)).data;
  } catch {
    return undefined;
  }
}

function inputsOf(dispatch: unknown): WorkflowFile['inputs'] {
  const inputs = dispatchSchema.safeParse(dispatch).data?.inputs ?? {};
  return Object.fromEntries(
    Object.entries(inputs).map(([name, input]) => [name, inputSchema.parse(input ?? {})]),
  );
}
