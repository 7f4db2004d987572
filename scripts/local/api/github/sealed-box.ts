import { createHash } from 'node:crypto';
import sodium from 'libsodium-wrappers';
import { Refusal } from '../route.ts';
import type { KeyRecord, SecretRecord } from './hub.ts';

/** A new X25519 key pair, to which libsodium's `crypto_box_seal` can seal. */
export async function newKey(): Promise<KeyRecord> {
  await sodium.ready;
  const { publicKey, privateKey } = sodium.crypto_box_keypair();
  const digest = createHash('sha256').update(publicKey).digest();
  return {
    key_id: String(digest.readBigUInt64BE(0)),
    public: Buffer.from(publicKey).toString('base64'),
    private: Buffer.from(privateKey).toString('base64'),
  };
}

/** Secrets in clear, by their names. */
export async function openSecrets(
  key: KeyRecord,
  secrets: readonly SecretRecord[],
): Promise<Record<string, string>> {
  const clear: Record<string, string> = {};
  for (const { name, sealed } of secrets) clear[name] = await openSealedBox(key, sealed);
  return clear;
}

/** The clear value of a sealed box in base64. Throws a 422 when it was not sealed to this key. */
export async function openSealedBox(key: KeyRecord, sealed: string): Promise<string> {
  await sodium.ready;
  const [box, publicKey, privateKey] = [sealed, key.public, key.private].map((text) =>
    Buffer.from(text, 'base64'),
  );
  try {
    if (!box || !publicKey || !privateKey) throw new Error('a part is missing');
    return Buffer.from(sodium.crypto_box_seal_open(box, publicKey, privateKey)).toString('utf8');
  } catch {
    throw new Refusal(
      422,
      'Bad request - encrypted_value could not be decrypted with the public key of key_id',
    );
  }
}
