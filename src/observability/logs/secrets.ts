const MASK = '***';

/*
 * Every pattern begins with something rare and never scans a run of characters twice: these texts come from outside, and a
 * pattern that backtracks would let a message stop the process.
 */

/** `user:password@` of any URL, also of one in the middle of a text. */
const CREDENTIALS = /(:\/\/[^\s:@/"'\\]*):[^\s/"'\\]*@/g;
const AUTHORIZATION = /\b(Bearer|Basic)\s[\w.~+/=-]{16,}/gi;
const SECRET_NAME =
  '[\\w-]{0,40}(?:password|passwd|secret|authorization|cookie|api[-_]?key|private[-_]?key|(?:access|refresh|session)[-_]?token)';
/** The value of a key that names a secret, in JSON and in JSON inside a string of JSON. */
const NAMED = new RegExp(`("${SECRET_NAME}":)"(?:[^"\\\\]|\\\\.)*"`, 'gi');
const NAMED_INSIDE = new RegExp(`(\\\\"${SECRET_NAME}\\\\":\\s?\\\\")[^"\\\\]*`, 'gi');
/** Cheap, and false for nearly every line. */
const SUSPICIOUS = /:\/\/|bearer|basic|passw|secret|authorization|cookie|key\\?"|token\\?"/i;

/** The URL without its password: for messages that say where something connects to. */
export function maskUrl(url: string): string {
  return url.replace(CREDENTIALS, `$1:${MASK}@`);
}

/** A line of JSON without passwords, keys and tokens, wherever in it they are. */
export function maskSecrets(line: string): string {
  if (!SUSPICIOUS.test(line)) return line;
  return maskUrl(line)
    .replace(AUTHORIZATION, `$1 ${MASK}`)
    .replace(NAMED, `$1"${MASK}"`)
    .replace(NAMED_INSIDE, `$1${MASK}`);
}
