import type { AddressInfo } from 'node:net';
import { createServer, type Socket } from 'node:net';
import type { TestContext } from 'node:test';

export interface ReceivedMail {
  readonly from: string;
  readonly to: readonly string[];
  readonly login: string | undefined;
  readonly headers: string;
  /** Decoded. */
  readonly text: string;
}

/** An SMTP server on loopback (RFC 5321, as far as a mail needs it): real dialogues, no delivery. */
export async function startMailServer(
  t: TestContext,
  options: { readonly refuseFirst?: number; readonly password?: string } = {},
): Promise<{ port: number; received: readonly ReceivedMail[]; connections(): number }> {
  const received: ReceivedMail[] = [];
  let connections = 0;
  const server = createServer((socket) => {
    connections++;
    const busy = connections <= (options.refuseFirst ?? 0);
    converse(socket, busy, options.password, (mail) => received.push(mail));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  return { port: (server.address() as AddressInfo).port, received, connections: () => connections };
}

function converse(
  socket: Socket,
  busy: boolean,
  password: string | undefined,
  keep: (mail: ReceivedMail) => void,
): void {
  const say = (line: string) => socket.write(`${line}\r\n`);
  let buffer = '';
  let data: string | undefined;
  let login: string | undefined;
  let from = '';
  const to: string[] = [];
  const hear = (line: string) => {
    const [, address = ''] = /<(.*?)>/.exec(line) ?? [];
    if (/^EHLO/i.test(line)) return say(`250-mail.example\r\n250 AUTH PLAIN`);
    if (/^AUTH PLAIN /i.test(line)) {
      const [, user, given] = Buffer.from(line.slice(11), 'base64').toString().split('\0');
      login = user;
      return say(given === password ? '235 welcome' : `535 no such login for ${user}`);
    }
    if (/^MAIL FROM/i.test(line)) from = address;
    if (/^RCPT TO/i.test(line)) to.push(address);
    if (/^DATA/i.test(line)) {
      data = '';
      return say('354 go on');
    }
    if (/^QUIT/i.test(line)) return socket.end('221 bye\r\n');
    return say(busy && /^MAIL/i.test(line) ? '451 try again later' : '250 fine');
  };
  say('220 mail.example');
  socket.on('error', () => undefined);
  socket.setEncoding('utf8').on('data', (text: string) => {
    buffer += text;
    for (let end = buffer.indexOf('\r\n'); end >= 0; end = buffer.indexOf('\r\n')) {
      const line = buffer.slice(0, end);
      buffer = buffer.slice(end + 2);
      if (data === undefined) hear(line);
      else if (line !== '.') data += `${line}\n`;
      else {
        const [headers = '', body = ''] = data.split('\n\n');
        keep({ from, to: [...to], login, headers, text: Buffer.from(body, 'base64').toString() });
        data = undefined;
        say('250 queued');
      }
    }
  });
}
