import { Decrypter, Encrypter, Stanza } from 'age-encryption';
import { RefreshError } from '../model/errors.ts';
import type { Secret } from '../model/secret.ts';

/** An empty file ends with the nonce and the tag of its one chunk. */
const emptyPayloadBytes = 16 + 16;

/**
 * A header for the recipient, and the key of the file that it stands before.
 *
 * @param stanza type and arguments of one more stanza, that marks the file, legible without a key; other readers of age
 *   pass over it ("Recipient stanza").
 * @throws RefreshError `bad-flag` for what is no recipient.
 */
export async function makeHeader(
  recipient: string,
  stanza: readonly string[],
): Promise<{ readonly header: Buffer; readonly fileKey: Uint8Array }> {
  let fileKey: Uint8Array | undefined;
  const encrypter = new Encrypter();
  try {
    encrypter.addRecipient(recipient);
  } catch (cause) {
    throw new RefreshError('bad-flag', 'it is not an age recipient', {
      object: '--recipient',
      hint: 'age-keygen prints one: it begins with age1',
      cause,
    });
  }
  // A recipient of our own learns the file key that the header is made of.
  encrypter.addRecipient({
    wrapFileKey: (key) => {
      fileKey = Uint8Array.from(key);
      return [new Stanza([...stanza], new Uint8Array(0))];
    },
  });
  const empty = Buffer.from(await encrypter.encrypt(new Uint8Array(0)));
  if (!fileKey) throw new RefreshError('unclassified', 'no file key was made');
  return { header: empty.subarray(0, empty.length - emptyPayloadBytes), fileKey };
}

/** The file's key. @throws RefreshError `bad-environment` for what is no identity, `bad-file` where it opens nothing. */
export async function openHeader(path: string, header: Buffer, identity: Secret): Promise<Uint8Array> {
  const decrypter = new Decrypter();
  try {
    decrypter.addIdentity(identity.reveal().trim());
  } catch {
    // The cause is left out on purpose: it might repeat the key.
    throw new RefreshError('bad-environment', 'it is not an age identity', {
      object: 'REFRESH_AGE_IDENTITY',
      hint: 'it begins with AGE-SECRET-KEY-1',
    });
  }
  try {
    return await decrypter.decryptHeader(header);
  } catch (cause) {
    throw new RefreshError('bad-file', 'the identity does not open this file, or its header was altered', {
      object: path,
      hint: 'REFRESH_AGE_IDENTITY has to belong to the recipient that the artifact was made for',
      cause,
    });
  }
}
