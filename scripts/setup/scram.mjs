import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto';

/** The client's side of SCRAM-SHA-256 (RFC 5802, 7677) without channel binding. */
export function startScram(password, nonce = randomBytes(18).toString('base64')) {
  const firstBare = `n=*,r=${nonce}`; // Postgres takes the user from the start-up message and ignores this one.
  return {
    first: `n,,${firstBare}`,
    answer(serverFirst) {
      const { r: fullNonce, s: salt, i: iterations } = attributes(serverFirst);
      if (!fullNonce?.startsWith(nonce)) throw new Error('the server answered another SCRAM nonce');
      const withoutProof = `c=biws,r=${fullNonce}`;
      const salted = pbkdf2Sync(password, Buffer.from(salt, 'base64'), Number(iterations), 32, 'sha256');
      const clientKey = hmac(salted, 'Client Key');
      const storedKey = createHash('sha256').update(clientKey).digest();
      const signature = hmac(storedKey, `${firstBare},${serverFirst},${withoutProof}`);
      const proof = Buffer.from(clientKey.map((byte, index) => byte ^ signature[index]));
      return `${withoutProof},p=${proof.toString('base64')}`;
    },
  };
}

const hmac = (key, data) => createHmac('sha256', key).update(data).digest();

const attributes = (message) =>
  Object.fromEntries(message.split(',').map((part) => [part[0], part.slice(2)]));
