/** From the least to the most powerful; each may do what those before it may. */
export const ROLES = ['viewer', 'operator', 'admin'] as const;
export type Role = (typeof ROLES)[number];

export interface ApiKey {
  readonly name: string;
  readonly role: Role;
  readonly secret: string;
}

const NAME = /^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$/;
/** Below this a secret can be guessed. */
const SHORT_SECRET = 16;

/**
 * Reads `name:role:secret` entries, one a line or separated by commas; empty lines and lines from `#` on are skipped.
 * Problems name an entry by its place and never by its text: with the parts in the wrong order the text is the secret.
 */
export function parseApiKeys(text: string): { keys: ApiKey[]; problems: string[]; warnings: string[] } {
  const keys: ApiKey[] = [];
  const problems: string[] = [];
  const warnings: string[] = [];
  const entries = text
    .split(/\r?\n/)
    .filter((line) => !line.trimStart().startsWith('#'))
    .flatMap((line) => line.split(','))
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '');

  entries.forEach((entry, index) => {
    const place = `key ${String(index + 1)} of ${String(entries.length)}`;
    const [name = '', role = '', ...rest] = entry.split(':');
    const secret = rest.join(':');
    if (rest.length === 0) problems.push(`${place} is not written as name:role:secret`);
    else if (!NAME.test(name))
      problems.push(`${place} has a name with other characters than letters, digits, . _ @ -`);
    else if (!isRole(role)) problems.push(`${place} has a role that is none of ${ROLES.join(', ')}`);
    else if (secret === '') problems.push(`${place} has an empty secret`);
    else if (keys.some((key) => key.name === name)) problems.push(`${place} has the name of an earlier key`);
    else if (keys.some((key) => key.secret === secret))
      problems.push(`${place} has the secret of an earlier key`);
    else {
      keys.push({ name, role, secret });
      if (secret.length < SHORT_SECRET) {
        warnings.push(
          `${place} has a secret of fewer than ${String(SHORT_SECRET)} characters, which can be guessed; ` +
            'make one with: openssl rand -hex 32',
        );
      }
    }
  });
  return { keys, problems, warnings };
}

function isRole(text: string): text is Role {
  return (ROLES as readonly string[]).includes(text);
}
