/** One call of RabbitMQ's management API; resolves to the parsed answer, rejects with what the broker said. */
export async function askManagement(managementUrl, method, path, body) {
  const { origin, username, password } = new URL(managementUrl);
  const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  const response = await fetch(`${origin}/api${path}`, {
    method,
    headers: {
      authorization: `Basic ${Buffer.from(credentials).toString('base64')}`,
      'content-type': 'application/json',
    },
    body: body === undefined ? undefined : JSON.stringify(body),
    signal: AbortSignal.timeout(10_000),
  }).catch((error) => {
    throw new Error(`${origin} does not answer (${error.cause?.message ?? error.message})`);
  });
  const text = await response.text();
  if (!response.ok)
    throw new Error(`${method} ${origin}/api${path} answers ${response.status}: ${text.slice(0, 200)}`);
  return text ? JSON.parse(text) : undefined;
}
