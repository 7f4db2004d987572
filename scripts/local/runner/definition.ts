import { parse } from 'yaml';
import * as z from 'zod';

const texts = z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).default({});

const stepSchema = z.strictObject({
  name: z.string(),
  id: z.string().optional(),
  if: z.string().optional(),
  'continue-on-error': z.boolean().default(false),
  'timeout-minutes': z.number().optional(),
  uses: z.string().optional(),
  with: texts,
  env: texts,
  shell: z.literal('bash').optional(),
  run: z.string().optional(),
});

const jobSchema = z.strictObject({
  needs: z.string().optional(),
  if: z.string().optional(),
  'runs-on': z.string(),
  'timeout-minutes': z.number().optional(),
  permissions: z.record(z.string(), z.string()).optional(),
  environment: z.string().optional(),
  concurrency: z.strictObject({ group: z.string(), 'cancel-in-progress': z.boolean() }).optional(),
  outputs: z.record(z.string(), z.string()).default({}),
  steps: z.array(stepSchema),
});

const workflowSchema = z.looseObject({
  on: z.record(z.string(), z.unknown()),
  jobs: z.record(z.string(), jobSchema),
});

const inputsSchema = z.object({
  inputs: z.record(z.string(), z.looseObject({ type: z.string().optional() })).optional(),
});

export type StepDefinition = z.infer<typeof stepSchema>;
export type JobDefinition = z.infer<typeof jobSchema>;

export interface WorkflowDefinition {
  readonly jobs: Readonly<Record<string, JobDefinition>>;
  /** Inputs that are true or false, not texts. */
  readonly booleanInputs: ReadonlySet<string>;
}

/** A workflow file as the local runner carries it out. Throws for what it does not know, rather than leave it out. */
export function readDefinition(text: string): WorkflowDefinition {
  const { on, jobs } = workflowSchema.parse(parse(text));
  const { inputs = {} } = inputsSchema.parse(on.workflow_dispatch ?? {});
  const booleanInputs = Object.entries(inputs).flatMap(([name, { type }]) =>
    type === 'boolean' ? [name] : [],
  );
  return { jobs, booleanInputs: new Set(booleanInputs) };
}
