import {
  Injectable,
  type OnApplicationShutdown,
  type OnModuleDestroy,
  type OnModuleInit,
} from '@nestjs/common';
import { BrokerConnections } from '../../broker/broker.module';
import { Consumers } from '../../consumer/consumer.module';
import { Database } from '../../database/database.module';
import { Findings, Inspection } from '../../inspection/inspection.module';
import { EventBus } from '../../message/message.module';
import { maskUrl } from '../logs/secrets';
import { judgeReadiness, type ConnectionState, type Part, type ServiceState } from './readiness';

/** What the probes say, put together from those who know, without asking anything of the broker or the database. */
@Injectable()
export class ServiceHealth implements OnModuleInit, OnModuleDestroy, OnApplicationShutdown {
  private readonly reasons = new Map<string, string | undefined>();
  private listeners: (() => void)[] = [];
  private stopping = false;
  private attachedOnce = false;

  constructor(
    private readonly events: EventBus,
    private readonly broker: BrokerConnections,
    private readonly database: Database,
    private readonly consumers: Consumers,
    private readonly findings: Findings,
    private readonly inspection: Inspection,
  ) {}

  onModuleInit(): void {
    const look = (): void => {
      this.noticeStart();
    };
    this.listeners = [
      this.events.on('connection.changed', ({ connection, reason }) => {
        this.reasons.set(connection, reason);
        look();
      }),
      this.events.on('dependency.changed', look),
      this.events.on('consumer.changed', look),
    ];
  }

  /** The first step of a shutdown: balancers stop sending before anything else stops. */
  onModuleDestroy(): void {
    this.stopping = true;
  }

  onApplicationShutdown(): void {
    for (const off of this.listeners.splice(0)) off();
  }

  readiness(): Part[] {
    this.noticeStart();
    return judgeReadiness(this.state());
  }

  /** What has not been there yet since the process began; empty for good once everything was there together. */
  missingSinceStart(): Part[] {
    this.noticeStart();
    return this.attachedOnce ? [] : judgeReadiness(this.state());
  }

  private noticeStart(): void {
    if (this.attachedOnce || this.stopping) return;
    this.attachedOnce = judgeReadiness(this.state()).every(({ up }) => up);
  }

  private state(): ServiceState {
    const { consume, publish } = this.broker.status();
    const connection = (name: 'consume' | 'publish', status: ConnectionState['status']): ConnectionState => ({
      status,
      reason: masked(this.reasons.get(name)),
    });
    return {
      stopping: this.stopping,
      connections: { consume: connection('consume', consume), publish: connection('publish', publish) },
      database: { available: this.database.available, reason: masked(this.database.gate.reason) },
      consumers: this.consumers.list(),
      findings: this.findings.list(),
      policies: this.inspection.policyCheck,
    };
  }
}

/** Probes are open to everybody. */
function masked(reason: string | undefined): string | undefined {
  return reason === undefined ? undefined : maskUrl(reason);
}
