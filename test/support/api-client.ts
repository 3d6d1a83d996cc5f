/** Keys of the three roles, as `HOLDFAST_API_KEYS` takes them. */
export const SECRETS = {
  viewer: 'viewer-secret-of-the-tests',
  operator: 'operator-secret-of-the-tests',
  admin: 'admin-secret-of-the-tests',
} as const;

export const API_KEYS = Object.entries(SECRETS)
  .map(([role, secret]) => `the-${role}:${role}:${secret}`)
  .join(',');

export interface ApiAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- tests look into answers by matchers
  readonly body: any;
}

export interface ApiCall {
  readonly as?: keyof typeof SECRETS;
  readonly headers?: Record<string, string>;
  readonly body?: unknown;
}

/** Calls the admin API at `address`. */
export async function callApi(
  address: string,
  method: string,
  path: string,
  { as, headers = {}, body }: ApiCall = {},
): Promise<ApiAnswer> {
  const response = await fetch(`${address}${path}`, {
    method,
    headers: {
      ...(as && { authorization: `Bearer ${SECRETS[as]}` }),
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  const isJson = /json/.test(response.headers.get('content-type') ?? '');
  return {
    status: response.status,
    headers: response.headers,
    text,
    body: isJson ? (JSON.parse(text) as unknown) : text,
  };
}
