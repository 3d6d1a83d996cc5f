import { extraServer, type ExtraServer } from '../../test/support/extra-server';
import type { BrokerServer, Policy, QueueFigures } from './broker-server';

const ALARMS = {
  memory: {
    raise: ['set_vm_memory_high_watermark', '0.00001'],
    clear: ['set_vm_memory_high_watermark', '0.4'],
  },
  disk: { raise: ['set_disk_free_limit', '10000000000000'], clear: ['set_disk_free_limit', '50000000'] },
} as const;

interface ApiQueue {
  readonly name: string;
  readonly messages_ready?: number;
  readonly messages_unacknowledged?: number;
  readonly consumers?: number;
}

/** A RabbitMQ node of this run alone. */
export class RabbitmqServer implements BrokerServer {
  private constructor(private readonly server: ExtraServer) {}

  static async start(): Promise<RabbitmqServer> {
    const server = await extraServer('rabbitmq');
    const broker = new RabbitmqServer(server);
    // The figures of the management API are five seconds old by default.
    await broker.ctl('eval', 'application:set_env(rabbit, collect_statistics_interval, 1000).');
    return broker;
  }

  get url(): string {
    return this.server.url;
  }

  kill(): Promise<void> {
    return this.server.kill();
  }

  stop(): Promise<void> {
    return this.server.stop();
  }

  async start(): Promise<void> {
    await this.server.start();
    await this.ctl('eval', 'application:set_env(rabbit, collect_statistics_interval, 1000).');
  }

  ctl(...args: string[]): Promise<string> {
    return this.server.ctl(...args);
  }

  async queues(): Promise<QueueFigures[]> {
    const columns = 'name,messages_ready,messages_unacknowledged,consumers';
    const queues = (await this.ask('GET', `/queues/%2F?columns=${columns}`)) as ApiQueue[];
    return queues.map(({ name, messages_ready, messages_unacknowledged, consumers }) => ({
      name,
      ready: messages_ready ?? 0,
      unacknowledged: messages_unacknowledged ?? 0,
      consumers: consumers ?? 0,
    }));
  }

  /** Client connections and channels the broker knows of. */
  async clients(): Promise<{ connections: number; channels: number }> {
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

  async closeConnections(reason: string): Promise<void> {
    await this.ctl('close_all_connections', reason);
  }

  async raiseAlarm(of: 'memory' | 'disk'): Promise<() => Promise<void>> {
    await this.ctl(...ALARMS[of].raise);
    return async () => {
      await this.ctl(...ALARMS[of].clear);
    };
  }

  remove(): Promise<void> {
    return this.server.remove();
  }

  private async ask(method: string, path: string, body?: unknown): Promise<unknown> {
    const { origin, username, password } = new URL(this.server.managementUrl ?? '');
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
}
