import { createCipheriv, createDecipheriv, randomBytes, scryptSync } from 'node:crypto';
import { RefreshError } from '../../model/errors.ts';
import {
  isObject,
  isSecret,
  mapValues,
  type Properties,
  type Property,
  secretSignature,
  signatureKey,
} from './property.ts';

/** Encrypts the secrets of a state file: AES-256-GCM, the key made from the passphrase by scrypt. */
export interface Seal {
  /** Hexadecimal, kept in the state file. */
  readonly salt: string;
  /** The properties with each secret's value replaced by its ciphertext. */
  close(properties: Properties): Properties;
  open(properties: Properties): Properties;
}

export function createSeal(passphrase: string, salt = randomBytes(16).toString('hex')): Seal {
  const key = scryptSync(passphrase, Buffer.from(salt, 'hex'), 32);
  return {
    salt,
    close: (properties) => mapValues(properties, (value) => closeValue(value, key)),
    open: (properties) => mapValues(properties, (value) => openValue(value, key)),
  };
}

function closeValue(value: Property, key: Buffer): Property {
  if (isSecret(value)) {
    const ciphertext = encrypt(JSON.stringify(value.value ?? null), key);
    return { [signatureKey]: secretSignature, ciphertext };
  }
  if (Array.isArray(value)) return value.map((element) => closeValue(element, key));
  return isObject(value) ? mapValues(value, (element) => closeValue(element, key)) : value;
}

function openValue(value: Property, key: Buffer): Property {
  if (isSecret(value)) {
    return { [signatureKey]: secretSignature, value: JSON.parse(decrypt(String(value.ciphertext), key)) };
  }
  if (Array.isArray(value)) return value.map((element) => openValue(element, key));
  return isObject(value) ? mapValues(value, (element) => openValue(element, key)) : value;
}

function encrypt(text: string, key: Buffer): string {
  const nonce = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', key, nonce);
  const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), body]).toString('base64');
}

function decrypt(ciphertext: string, key: Buffer): string {
  const bytes = Buffer.from(ciphertext, 'base64');
  try {
    const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, 12));
    decipher.setAuthTag(bytes.subarray(12, 28));
    return Buffer.concat([decipher.update(bytes.subarray(28)), decipher.final()]).toString('utf8');
  } catch (cause) {
    throw new RefreshError('bad-file', "the passphrase doesn't open the state's secrets", {
      object: 'PULUMI_CONFIG_PASSPHRASE',
      cause,
      hint: 'the state and the settings beside it belong together: restore both, or run npm run destroy',
    });
  }
}
