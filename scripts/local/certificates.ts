// tsyringe, which @peculiar/x509 is built on, asks for this polyfill before it is loaded.
import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509';
import { RefreshError } from '../model/errors.ts';

/** The local stack's own certification authority. */
export interface Authority {
  readonly caPem: string;
  /** A certificate for `localhost`, `127.0.0.1` and `::1`, signed by this authority, with its private key. */
  issue(name: string): Promise<IssuedCertificate>;
}

export interface IssuedCertificate {
  readonly certificatePem: string;
  readonly keyPem: string;
}

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const lifetimeDays = 3650;
const dayMilliseconds = 86_400_000;

/**
 * The authority whose certificate and key lie in `folder`; made at the first call (folder 0700, key 0600).
 * Fails with `bad-file` when the file that holds both can't be read as such.
 */
export async function openAuthority(folder: string): Promise<Authority> {
  const file = join(folder, 'authority.pem');
  const stored = await readStored(file);
  if (stored) return await authorityFrom(stored, file);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const made = await makeAuthority();
  await writeWhole(file, made);
  return await authorityFrom(made, file);
}

async function readStored(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Certificate and key in one PEM file, so that there is never one without the other. */
async function makeAuthority(): Promise<string> {
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const serial = serialNumber();
  const certificate = await X509CertificateGenerator.createSelfSigned({
    // A name of its own: a client that knows another local authority must not take this one for it.
    name: `CN=staging-refresh local authority ${serial.slice(-8)}`,
    serialNumber: serial,
    ...validity(),
    signingAlgorithm: algorithm,
    keys,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return `${certificate.toString('pem')}\n${await privatePem(keys.privateKey)}`;
}

async function authorityFrom(pem: string, file: string): Promise<Authority> {
  try {
    const [certificate] = PemConverter.decodeWithHeaders(pem).filter((block) => block.type === 'CERTIFICATE');
    const [key] = PemConverter.decodeWithHeaders(pem).filter((block) => block.type === 'PRIVATE KEY');
    if (!certificate || !key) throw new Error('a CERTIFICATE and a PRIVATE KEY are needed');
    const signingKey = await webcrypto.subtle.importKey('pkcs8', key.rawData, algorithm, false, ['sign']);
    const issuer = new X509Certificate(certificate.rawData);
    return {
      caPem: `${issuer.toString('pem')}\n`,
      issue: async (name) => await issueFrom(issuer, signingKey, name),
    };
  } catch (cause) {
    throw new RefreshError('bad-file', 'the local certification authority can not be read', {
      object: file,
      cause,
      hint: 'take the local stack down with npm run destroy, delete this file, and start again',
    });
  }
}

async function issueFrom(
  issuer: X509Certificate,
  signingKey: webcrypto.CryptoKey,
  name: string,
): Promise<IssuedCertificate> {
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const certificate = await X509CertificateGenerator.create({
    subject: [{ CN: [name] }],
    issuer: issuer.subject,
    serialNumber: serialNumber(),
    ...validity(),
    signingAlgorithm: algorithm,
    signingKey,
    publicKey: keys.publicKey,
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
      new SubjectAlternativeNameExtension([
        { type: 'dns', value: 'localhost' },
        { type: 'ip', value: '127.0.0.1' },
        { type: 'ip', value: '::1' },
      ]),
    ],
  });
  return { certificatePem: `${certificate.toString('pem')}\n`, keyPem: await privatePem(keys.privateKey) };
}

/** Positive and never twice the same, as RFC 5280 section 4.1.2.2 wants it. */
function serialNumber(): string {
  return `01${Buffer.from(webcrypto.getRandomValues(new Uint8Array(15))).toString('hex')}`;
}

/** Begins a day ago, for machines whose clock is corrected between making and using it. */
function validity(): { notBefore: Date; notAfter: Date } {
  const begin = Date.now() - dayMilliseconds;
  return { notBefore: new Date(begin), notAfter: new Date(begin + lifetimeDays * dayMilliseconds) };
}

async function privatePem(key: webcrypto.CryptoKey): Promise<string> {
  return `${PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', key), 'PRIVATE KEY')}\n`;
}

async function writeWhole(file: string, text: string): Promise<void> {
  const unfinished = `${file}.${process.pid}.tmp`;
  await writeFile(unfinished, text, { mode: 0o600 });
  await rename(unfinished, file);
}
