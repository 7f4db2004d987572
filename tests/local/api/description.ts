import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { Ajv, type ValidateFunction } from 'ajv';
import formats from 'ajv-formats';

interface Described {
  readonly $ref?: string;
  readonly content?: Readonly<Record<string, { readonly schema: object }>>;
}

interface Operation {
  readonly security?: readonly { readonly bearer_auth: readonly string[] }[];
  readonly requestBody?: Described;
  readonly responses: Readonly<Record<string, Described>>;
}

interface Description {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly responses: Readonly<Record<string, Described>> };
}

/** DigitalOcean's own description of the calls that are emulated. */
const description = JSON.parse(
  readFileSync(new URL('digitalocean-databases.openapi.json', import.meta.url), 'utf8'),
) as Description;

// OpenAPI 3.0 is no strict JSON Schema: it has keywords of its own, such as readOnly and nullable.
const ajv = new Ajv({ strict: false, allErrors: true });
formats.default(ajv);
const validators = new Map<object, ValidateFunction>();

/** The operation behind a path such as `/v2/databases/…/ca`; undefined when DigitalOcean has none. */
export function findOperation(method: string, path: string): Operation | undefined {
  const [plain = ''] = path.split('?', 1);
  const found = Object.keys(description.paths)
    .sort((one, other) => one.split('{').length - other.split('{').length)
    .find((template) => new RegExp(`^${template.replace(/\{[^}]+\}/g, '[^/]+')}$`).test(plain));
  return description.paths[found ?? '']?.[method.toLowerCase()];
}

/** Fails unless the answer is one that the description foresees, down to every property. */
export function assertDescribedAnswer(operation: Operation, status: number, body: unknown): void {
  const described = resolve(operation.responses[status] ?? operation.responses.default);
  if (status < 400) assert.ok(operation.responses[status], `status ${status} is not described`);
  const schema = described?.content?.['application/json']?.schema;
  if (schema) assertValid(schema, body, `answer ${status}`);
  else assert.equal(body, undefined, `an answer ${status} has no body`);
}

export function assertDescribedRequest(operation: Operation, body: unknown): void {
  const schema = resolve(operation.requestBody)?.content?.['application/json']?.schema;
  if (schema) assertValid(schema, body, 'request');
}

function resolve(described: Described | undefined): Described | undefined {
  const name = described?.$ref?.split('/').at(-1);
  return name === undefined ? described : description.components.responses[name];
}

function assertValid(schema: object, body: unknown, what: string): void {
  const known = validators.get(schema);
  const validate = known ?? ajv.compile({ ...schema, components: description.components });
  validators.set(schema, validate);
  assert.ok(validate(body), `${what}: ${ajv.errorsText(validate.errors)} in ${JSON.stringify(body)}`);
}
