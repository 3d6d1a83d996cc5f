import { mkdirSync, readdirSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openAmqpWire } from '../wires/amqp-wire';
import { openPostgresWire } from '../wires/postgres-wire';
import type { AmqpWire } from '../wires/wire';
import { WireBundle } from '../wires/wire-bundle';
import { freePort } from './free-port';
import { HistoryProgress } from './history-progress';
import { PostgresServer } from './postgres-server';
import { RabbitmqCluster } from './rabbitmq-cluster';
import { RabbitmqServer } from './rabbitmq-server';
import { ServiceReplica } from './service-replica';

export interface TheatreOptions {
  readonly folder: string;
  readonly replicas: number;
  /** Three RabbitMQ nodes instead of one. */
  readonly cluster: boolean;
  readonly died: (name: string, why: string, wanted: boolean) => void;
  readonly tell: (line: string) => void;
}

const START_MS = 60_000;

/** Servers, wires and replicas of one run. */
export class Theatre {
  private readonly progress: HistoryProgress;

  private constructor(
    private readonly folder: string,
    readonly broker: RabbitmqServer | RabbitmqCluster,
    readonly database: PostgresServer,
    readonly replicas: readonly ServiceReplica[],
  ) {
    this.progress = new HistoryProgress(this.historyFolder);
  }

  static async open({ folder, replicas: count, cluster, died, tell }: TheatreOptions): Promise<Theatre> {
    mkdirSync(join(folder, 'history'), { recursive: true });
    tell('starting RabbitMQ and Postgres for this run alone');
    const [broker, database] = await Promise.all([
      cluster ? RabbitmqCluster.start() : RabbitmqServer.start(),
      PostgresServer.start(),
    ]);
    const replicas: ServiceReplica[] = [];
    for (let number = 1; number <= count; number++) {
      const amqp = await openWires(broker.url);
      const postgres = await openPostgresWire(database.url);
      replicas.push(
        new ServiceReplica({
          name: `replica-${number}`,
          port: await freePort(),
          amqp,
          postgres,
          rabbitmqUrl: amqp.url,
          managementUrl: broker.managementUrl,
          databaseUrl: database.url,
          folder,
          // The last one: the first ones are the eldest of a long run.
          hasFakeClock: number === count,
          died,
        }),
      );
    }
    const theatre = new Theatre(folder, broker, database, replicas);
    tell(`starting ${count} replicas`);
    try {
      await theatre.start();
    } catch (error) {
      await theatre.close();
      throw error;
    }
    return theatre;
  }

  private async start(): Promise<void> {
    for (const replica of this.replicas) replica.start();
    await this.allWell(AbortSignal.timeout(START_MS));
    for (const replica of this.replicas) {
      const ailment = await replica.ailment();
      if (ailment === undefined) continue;
      throw new Error(
        `${replica.name} did not start within ${START_MS / 1_000} s: ${ailment}; its log: ${replica.logPath}`,
      );
    }
    // RabbitMQ 3.10 writes down the name of a new quorum queue only about a second after its declaration; killed before, it loses it.
    await sleep(2_500);
    if (this.broker instanceof RabbitmqCluster) await this.broker.cluster.whole();
  }

  get historyFolder(): string {
    return join(this.folder, 'history');
  }

  /** Deliveries settled so far by all processes of this round, by the lines of their histories. */
  settled(): number {
    return this.progress.settled();
  }

  /** The books of a round are closed: its histories are not needed any more. Files in use are emptied. */
  forgetHistory(): void {
    for (const file of readdirSync(this.historyFolder)) truncateSync(join(this.historyFolder, file));
    this.progress.forget();
  }

  async allWell(signal: AbortSignal): Promise<void> {
    await Promise.all(this.replicas.map((replica) => replica.whenWell(signal)));
  }

  async close(): Promise<void> {
    await Promise.all(this.replicas.map((replica) => replica.retire()));
    await Promise.all([this.broker.remove(), this.database.remove()]);
  }
}

async function openWires(urls: string): Promise<AmqpWire> {
  const wires = await Promise.all(urls.split(',').map((url) => openAmqpWire(url)));
  const [only] = wires;
  return only && wires.length === 1 ? only : new WireBundle(wires);
}
