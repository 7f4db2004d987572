import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readNotification } from '../../../scripts/stages/config/notification.ts';
import { noticeFacts } from '../../../scripts/stages/notify/facts.ts';
import { tell } from '../../../scripts/stages/notify.ts';
import { startMailServer } from './mail-server.ts';

const facts = noticeFacts('refresh.overdue', 'Staging ist seit 8 Tagen überfällig, ääääääääääääääääääää', {
  GITHUB_SERVER_URL: 'https://github.example',
  GITHUB_REPOSITORY: 'acme/shop',
  GITHUB_RUN_ID: '77',
});
const options = { firstWaitMs: 1 };

function mailTo(port: number, login = '') {
  const url = `smtp://${login}127.0.0.1:${port}/?from=staging@acme.example&to=ops@acme.example,qa@acme.example`;
  return readNotification({}, { REFRESH_MAIL_URL: url }) ?? assert.fail();
}

test('a mail reaches everybody, whatever letters it holds', async (t) => {
  const server = await startMailServer(t, { password: 'hu/sh' });
  await tell(mailTo(server.port, 'bot:hu%2Fsh@'), facts, options);
  const [mail] = server.received;
  assert.deepEqual(
    [mail?.from, mail?.to, mail?.login],
    ['staging@acme.example', ['ops@acme.example', 'qa@acme.example'], 'bot'],
  );
  assert.match(mail?.text ?? '', /^⏰ Staging ist seit 8 Tagen überfällig/);
  assert.match(
    mail?.text ?? '',
    /Log and artifact: https:\/\/github\.example\/acme\/shop\/actions\/runs\/77$/m,
  );
  const lines = mail?.headers.split('\n') ?? [];
  assert.ok(
    lines.every((line) => line.length <= 78),
    'no line is too long',
  );
  const [, subject = ''] = /^Subject: ((?:.*\n )*.*)$/m.exec(mail?.headers ?? '') ?? [];
  const words = [...subject.matchAll(/=\?utf-8\?B\?(.*?)\?=/g)].map(([, word = '']) =>
    Buffer.from(word, 'base64'),
  );
  assert.ok(words.length > 1);
  assert.equal(words.map(String).join(''), facts.what, 'no letter is cut in two');
});

test('a server that is busy is asked again', async (t) => {
  const server = await startMailServer(t, { refuseFirst: 2 });
  await tell(mailTo(server.port), facts, options);
  assert.deepEqual([server.connections(), server.received.length], [3, 1]);
});

test('a wrong password is told once, without it', async (t) => {
  const server = await startMailServer(t, { password: 'right' });
  await assert.rejects(tell(mailTo(server.port, 'bot:hush-hush@'), facts, options), (error: Error) => {
    assert.match(error.message, /^the mail server refused the login with 535$/);
    assert.ok(!JSON.stringify(error).includes('hush'));
    return true;
  });
  assert.equal(server.connections(), 1);
});

test('nobody there', async () => {
  await assert.rejects(tell(mailTo(1), facts, options), /the mail server could not be reached/);
});

test('addresses that can’t be used are bad input, and are not repeated', () => {
  for (const url of [
    'https://mail.example/?from=a@x&to=b@x',
    'smtps://u:hush@mail.example/?to=b@x',
    'smtps://u:hush@mail.example/?from=a@x',
    'smtps://u:hush@mail.example/?from=a@x%0D%0ABcc:%20c@x&to=b@x',
    'hush',
  ]) {
    assert.throws(
      () => readNotification({}, { REFRESH_MAIL_URL: url }),
      (error: Error) =>
        !error.message.includes('hush') && 'code' in error && error.code === 'bad-environment',
      url,
    );
  }
  const remote = readNotification({}, { REFRESH_MAIL_URL: 'smtp://mail.example/?from=a@x&to=b@x' });
  assert.deepEqual([remote?.mail?.security, remote?.mail?.port], ['starttls', 587]);
  const tls = readNotification({}, { REFRESH_MAIL_URL: 'smtps://mail.example/?from=a@x&to=b@x' });
  assert.deepEqual([tls?.mail?.security, tls?.mail?.port], ['tls', 465]);
});
