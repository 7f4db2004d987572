import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { TestContext } from 'node:test';
import { listenOnLoopback } from '../../scripts/local/loopback-port.ts';
import { formatError, RefreshError } from '../../scripts/model/errors.ts';
import { fc } from './property.ts';

interface AnyAnswer {
  readonly token: string;
  /** Calls of a client that asks the service at this URL. */
  readonly calls: (url: string) => readonly (() => Promise<unknown>)[];
  /** Keys that its answers have. */
  readonly names: readonly string[];
  readonly maxKeys: number;
  readonly refusal: string;
  readonly statuses: readonly number[];
  readonly codes: RegExp;
  /** Status, body, number of the call. */
  readonly examples?: [number, string, number][];
}

/** Each call has a result or an error with one of these codes, whatever the service answers; none tells the token. */
export async function assertUnderstoodOrRefused(
  t: TestContext,
  { token, calls: callsOf, names, maxKeys, refusal, statuses, codes, examples = [] }: AnyAnswer,
): Promise<void> {
  let answer = { status: 200, body: '' };
  const server = createServer((_, response) => {
    response.writeHead(answer.status, { 'content-type': 'application/json' }).end(answer.body);
  });
  const calls = callsOf(`http://127.0.0.1:${await listenOnLoopback(server)}`);
  t.after(() => server.close());
  const name = fc.constantFrom(...names);
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof(
      { depthSize: 'small' },
      fc.jsonValue({ maxDepth: 1 }),
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(name, tie('value'), { maxKeys }),
    ),
  }));
  const body = fc.oneof(
    value.map((json) => JSON.stringify(json)),
    fc.string(),
    fc.constant(refusal),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...statuses),
      body,
      fc.nat(calls.length - 1),
      async (code, text, which) => {
        answer = { status: code, body: text };
        try {
          await calls[which]?.();
        } catch (error) {
          assert(error instanceof RefreshError, `${String(error)}: ${code} ${text}`);
          assert.match(error.code, codes);
          assert.ok(!formatError(error).includes(token), formatError(error));
        }
      },
    ),
    { numRuns: 150, examples },
  );
}
