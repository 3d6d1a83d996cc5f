import { uniqueName, workerName } from './names';
import { noServers, servers } from './servers';

export interface TestVhost {
  name: string;
  url: string;
  /** Closes every connection to it and removes its queues; what forgets to call it is swept up after the run. */
  remove(): Promise<void>;
}

/** A vhost for the tests of one file, empty. It takes some 30 ms. */
export function createTestVhost(label = 'vhost'): Promise<TestVhost> {
  return createVhost(uniqueName('-', label));
}

/** One vhost for all files of this jest worker, made by the first: the names in it must be the test's own. */
export async function workerVhost(): Promise<string> {
  const { url } = await createVhost(workerName('-'));
  return url;
}

async function createVhost(name: string): Promise<TestVhost> {
  const { rabbitmqUrl } = servers();
  const path = `/vhosts/${encodeURIComponent(name)}`;
  await management('PUT', path, {});
  const user = decodeURIComponent(new URL(firstOf(rabbitmqUrl)).username || 'guest');
  await management('PUT', `/permissions/${encodeURIComponent(name)}/${encodeURIComponent(user)}`, {
    configure: '.*',
    write: '.*',
    read: '.*',
  });
  return {
    name,
    url: rabbitmqUrl
      .split(',')
      .map((url) => withPath(url.trim(), name))
      .join(','),
    remove: async () => {
      await management('DELETE', path);
    },
  };
}

const firstOf = (urls: string): string => urls.split(',')[0] ?? urls;

function withPath(url: string, vhost: string): string {
  const address = new URL(url);
  address.pathname = `/${encodeURIComponent(vhost)}`;
  return address.href;
}

/**
 * One call of a RabbitMQ's management API, of the shared one unless told otherwise: its parsed answer. Counts of
 * messages and consumers there are seconds old; ask over AMQP where that matters.
 */
export async function management(
  method: 'GET' | 'PUT' | 'POST' | 'DELETE',
  path: string,
  body?: unknown,
  managementUrl = servers().managementUrl,
): Promise<unknown> {
  const { origin, username, password } = new URL(managementUrl);
  const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  const response = await fetch(`${origin}/api${path}`, {
    method,
    headers: {
      authorization: `Basic ${Buffer.from(credentials).toString('base64')}`,
      'content-type': 'application/json',
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  }).catch((error: unknown) => {
    throw new Error(noServers(`do not answer at ${origin}`), { cause: error });
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path} answers ${response.status}: ${text}`);
  return text === '' ? undefined : (JSON.parse(text) as unknown);
}
