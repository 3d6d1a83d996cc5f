import { extraServer, type ExtraServer } from '../../test/support/extra-server';
import { BrokerApi, type Clients } from './broker-api';
import type { BrokerServer, Policy, QueueFigures } from './broker-server';

const ALARMS = {
  memory: {
    raise: ['set_vm_memory_high_watermark', '0.00001'],
    clear: ['set_vm_memory_high_watermark', '0.4'],
  },
  disk: { raise: ['set_disk_free_limit', '10000000000000'], clear: ['set_disk_free_limit', '50000000'] },
} as const;

/** One RabbitMQ node of this run alone. */
export class RabbitmqServer implements BrokerServer {
  private readonly api: BrokerApi;

  private constructor(private readonly server: ExtraServer) {
    this.api = new BrokerApi([this.managementUrl]);
  }

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

  get managementUrl(): string {
    return this.server.managementUrl ?? '';
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

  queues(): Promise<QueueFigures[]> {
    return this.api.queues();
  }

  clients(): Promise<Clients> {
    return this.api.clients();
  }

  layPolicy(name: string, policy: Policy): Promise<() => Promise<void>> {
    return this.api.layPolicy(name, policy);
  }

  deleteQueue(name: string): Promise<void> {
    return this.api.deleteQueue(name);
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
}
