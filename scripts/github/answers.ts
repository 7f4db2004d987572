import * as z from 'zod';

/** Of GitHub's published answers only what is read (docs.github.com/rest/actions). */
export const workflowAnswer = z.object({
  id: z.number(),
  path: z.string(),
  state: z.string(),
  created_at: z.string(),
});

/** 200 with the run where the server knows `return_run_details`, else 204 and nothing. */
export const dispatchAnswer = z.object({ workflow_run_id: z.number().optional() });

export const runAnswer = z.object({
  id: z.number(),
  run_number: z.number(),
  display_title: z.string(),
  status: z.string().nullable(),
  conclusion: z.string().nullable(),
  html_url: z.string(),
  created_at: z.string(),
});

export const runsAnswer = z.object({ total_count: z.number(), workflow_runs: z.array(runAnswer) });

export const jobAnswer = z.object({
  name: z.string(),
  status: z.string(),
  conclusion: z.string().nullable(),
  html_url: z.string().nullable(),
  steps: z
    .array(z.object({ name: z.string(), status: z.string(), conclusion: z.string().nullable() }))
    .optional(),
});

export const jobsAnswer = z.object({ total_count: z.number(), jobs: z.array(jobAnswer) });

export const artifactsAnswer = z.object({
  total_count: z.number(),
  artifacts: z.array(z.object({ id: z.number(), name: z.string(), expired: z.boolean() })),
});

export type WorkflowRun = z.infer<typeof runAnswer>;
export type WorkflowJob = z.infer<typeof jobAnswer>;
