import type { Policy, QueueFigures } from './broker-server';

interface ApiQueue {
  readonly name: string;
  readonly messages_ready?: number;
  readonly messages_unacknowledged?: number;
  /** Expired, and not yet taken by the queue they go to. */
  readonly messages_dlx?: number;
  readonly consumers?: number;
}

/** What the broker knows of its clients. */
export interface Clients {
  readonly connections: number;
  readonly channels: number;
}

/** The management API of one node, or of whichever node of a cluster answers. */
export class BrokerApi {
  constructor(private readonly addresses: readonly string[]) {}

  async queues(): Promise<QueueFigures[]> {
    const columns = 'name,messages_ready,messages_unacknowledged,messages_dlx,consumers';
    const queues = (await this.ask('GET', `/queues/%2F?columns=${columns}`)) as ApiQueue[];
    return queues.map(({ name, messages_ready, messages_unacknowledged, messages_dlx, consumers }) => ({
      name,
      ready: (messages_ready ?? 0) + (messages_dlx ?? 0),
      unacknowledged: messages_unacknowledged ?? 0,
      consumers: consumers ?? 0,
    }));
  }

  /** Client connections and channels the broker knows of. */
  async clients(): Promise<Clients> {
    const connections = (await this.ask('GET', '/connections?columns=name')) as unknown[];
    const channels = (await this.ask('GET', '/channels?columns=name')) as unknown[];
    return { connections: connections.length, channels: channels.length };
  }

  async layPolicy(name: string, { pattern, definition }: Policy): Promise<() => Promise<void>> {
    const path = `/policies/%2F/${encodeURIComponent(name)}`;
    await this.ask('PUT', path, { pattern, definition, 'apply-to': 'queues', priority: 100 });
    return async () => {
      await this.ask('DELETE', path);
    };
  }

  async deleteQueue(name: string): Promise<void> {
    await this.ask('DELETE', `/queues/%2F/${encodeURIComponent(name)}`);
  }

  private async ask(method: string, path: string, body?: unknown): Promise<unknown> {
    let failure: unknown;
    for (const address of this.addresses) {
      try {
        return await askOne(address, method, path, body);
      } catch (error) {
        failure = error;
      }
    }
    throw failure;
  }
}

async function askOne(address: string, method: string, path: string, body: unknown): Promise<unknown> {
  const { origin, username, password } = new URL(address);
  const response = await fetch(`${origin}/api${path}`, {
    method,
    headers: {
      authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`,
      'content-type': 'application/json',
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(5_000),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text.slice(0, 200)}`);
  return text === '' ? undefined : JSON.parse(text);
}
