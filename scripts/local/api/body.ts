import type { z } from 'zod';
import { Refusal } from './route.ts';

/** The body as the schema describes it. Throws a 422 that names the first property that is wrong. */
export function parseBody<Schema extends z.ZodType>(schema: Schema, body: unknown): z.infer<Schema> {
  const result = schema.safeParse(body ?? {});
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const property = issue?.path.join('.') ?? '';
  throw new Refusal(422, `${property === '' ? 'body' : property}: ${issue?.message ?? 'is invalid'}`);
}
