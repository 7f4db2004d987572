import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';

export interface Exchange {
  readonly method: string;
  readonly path: string;
  readonly sent: unknown;
  readonly status: number;
  readonly answered: unknown;
}

/** Stands between a client and an API, hands everything on as it is, and keeps what both have said. */
export async function startRecorder(
  t: TestContext,
  target: string,
): Promise<{ url: string; exchanges: readonly Exchange[] }> {
  const exchanges: Exchange[] = [];
  const server = createServer(async (request, response) => {
    const { method = 'GET', url = '/', headers } = request;
    const body = await textOf(request);
    const reply = await fetch(`${target}${url}`, {
      method,
      headers: { authorization: headers.authorization ?? '' },
      ...(body === '' ? {} : { body }),
    });
    const text = await reply.text();
    exchanges.push({ method, path: url, sent: json(body), status: reply.status, answered: json(text) });
    response.writeHead(reply.status, { 'content-type': 'application/json' }).end(text);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, exchanges };
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request) text += String(chunk);
  return text;
}

function json(text: string): unknown {
  return text === '' ? undefined : JSON.parse(text);
}
