import { extraCluster, type Cluster, type ClusterNode } from '../../test/support/cluster';
import { BrokerApi, type Clients } from './broker-api';
import type { BrokerServer, Policy, QueueFigures } from './broker-server';

/** Three RabbitMQ nodes of this run alone, as one cluster. What is asked of the broker is asked of any node that answers. */
export class RabbitmqCluster implements BrokerServer {
  private readonly api: BrokerApi;

  private constructor(readonly cluster: Cluster) {
    this.api = new BrokerApi(cluster.nodes.map(({ managementUrl }) => managementUrl));
  }

  static async start(): Promise<RabbitmqCluster> {
    const broker = new RabbitmqCluster(await extraCluster());
    await broker.quickenFigures();
    return broker;
  }

  get url(): string {
    return this.cluster.url;
  }

  get managementUrl(): string {
    return this.nodes.map(({ managementUrl }) => managementUrl).join(',');
  }

  get nodes(): readonly ClusterNode[] {
    return this.cluster.nodes;
  }

  /** All nodes at once: the machine room without power. */
  kill(): Promise<void> {
    return this.cluster.kill();
  }

  async stop(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.stop()));
  }

  async start(): Promise<void> {
    await this.cluster.start();
    await this.quickenFigures();
  }

  ctl(...args: string[]): Promise<string> {
    return this.cluster.nodes[0].ctl(...args);
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
    await Promise.all(this.nodes.map((node) => node.ctl('close_all_connections', reason)));
  }

  raiseAlarm(): Promise<never> {
    return Promise.reject(new Error('alarms are raised on a single node only'));
  }

  remove(): Promise<void> {
    return this.cluster.remove();
  }

  /** The figures of the management API are five seconds old by default. */
  private async quickenFigures(): Promise<void> {
    for (const node of this.nodes)
      await node.ctl('eval', 'application:set_env(rabbit, collect_statistics_interval, 1000).');
  }
}
