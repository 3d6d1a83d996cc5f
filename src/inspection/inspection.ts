import { Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { BrokerConnections } from '../broker/broker.module';
import { InjectConfig, type BrokerConfig } from '../config/config.module';
import {
  describeError,
  EventBus,
  settleWithin,
  type Finding,
  type HoldfastEvents,
} from '../message/message.module';
import { HandlerRegistry } from '../registration/registration.module';
import { consumerPlan, DelayTiers, TopologyDeclarer } from '../topology/topology.module';
import { EarlyReturns } from './early-returns';
import { Findings } from './findings';
import { inspectedOf, type Inspected } from './inspected';
import { ManagementClient } from './management-client';
import { PolicyReader, vhostOf } from './policy-reader';
import { findMissing, missingFinding, type Placed } from './presence';
import { Refusals } from './refusals';
import { Rounds } from './rounds';

const PACE = { everyMs: 60_000, soonMs: 2_000 };

/** How long the broker may take to answer passive declarations: a queue without a leader answers none. */
const PRESENCE_MS = 10_000;
/** How long all questions to the management API may take together. */
const POLICIES_MS = 30_000;
/** A queue that was declared just now has a policy the management API does not know for some ten seconds. */
const UNTOLD_MS = 30_000;
/** What a shutdown waits for a round that is under way. */
const STOP_MS = 1_000;

/** Whether policies can be read; undefined before the first look. */
export type PolicyCheck = HoldfastEvents['policies.checked'] | undefined;

const NO_ADDRESS = 'HOLDFAST_MANAGEMENT_URL is not set, and over AMQP the broker does not tell them';

/**
 * Looks, after each connection and every minute, at what the broker makes of the topology that our guarantees rest on: what is gone, over
 * AMQP; which policies lie over it, over the management API; and, without that, what copies tell that come back or are refused.
 * It asks on a channel and a connection of its own: the way of a message does not know of it.
 */
@Injectable()
export class Inspection implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly logger = new Logger(Inspection.name);
  private readonly client: ManagementClient | undefined;
  private readonly policies: PolicyReader | undefined;
  private readonly returns = new EarlyReturns();
  /** Ends the questions to the management API that are under way. */
  private reading = new AbortController();
  private isStopped = false;
  private readonly refusals: Refusals;
  private readonly rounds = new Rounds(() => this.look(), PACE);
  private policyFindings: readonly Finding[] = [];
  private presence: Promise<readonly Placed[]> | undefined;
  private untoldSince: number | undefined;
  private check: PolicyCheck;
  private offs: (() => void)[] = [];

  constructor(
    @InjectConfig('broker') private readonly config: BrokerConfig,
    private readonly broker: BrokerConnections,
    private readonly registry: HandlerRegistry,
    private readonly declarer: TopologyDeclarer,
    private readonly tiers: DelayTiers,
    private readonly findings: Findings,
    private readonly events: EventBus,
  ) {
    if (config.managementUrls) {
      this.client = new ManagementClient(config.managementUrls);
      this.policies = new PolicyReader(this.client, vhostOf(config.urls));
    }
    this.refusals = new Refusals(config.namespace, PACE.everyMs);
  }

  onApplicationBootstrap(): void {
    if (!this.policies) this.tell({ state: 'not-configured', reason: NO_ADDRESS });
    this.offs = [
      this.broker.consume.onConnected(() => {
        this.rounds.begin();
      }),
      this.events.on('copy.delayed', (event) => {
        this.returns.sent(event);
      }),
      this.events.on('message.received', ({ delivery }) => {
        this.returns.returned(delivery);
      }),
      this.events.on('publication.failed', (event) => {
        this.refusals.note(event);
      }),
    ];
  }

  async onModuleDestroy(): Promise<void> {
    for (const off of this.offs.splice(0)) off();
    this.isStopped = true;
    this.reading.abort();
    this.client?.close();
    await settleWithin(this.rounds.stop(), STOP_MS);
  }

  get policyCheck(): PolicyCheck {
    return this.check;
  }

  /** One round, now. Resolves when `Findings` has what it found. */
  inspect(): Promise<void> {
    return this.rounds.run();
  }

  /** @returns whether another round is wanted soon. */
  private async look(): Promise<boolean> {
    // The state of the connection tells that already, and nothing has been declared over the next one yet.
    if (this.broker.consume.status !== 'connected') return false;
    const inspected = inspectedOf(this.config.namespace, this.registry.all(), this.tiers.all());
    const missing = await this.findMissing(inspected);
    const isSettled = await this.readPolicies(inspected);
    if (this.isStopped) return false;
    const symptoms =
      this.check?.state === 'read' ? [] : [...this.returns.findings(), ...this.refusals.findings()];
    this.findings.replace([...missing.map(missingFinding), ...this.policyFindings, ...symptoms]);
    if (missing.length > 0) await settleWithin(this.restore(), PRESENCE_MS);
    return !isSettled;
  }

  private async findMissing({ queues, exchanges }: Inspected): Promise<readonly Placed[]> {
    const placed: Placed[] = [
      ...queues.map(({ name, role }) => ({ kind: 'queue' as const, name, role })),
      ...exchanges.map(({ name, role }) => ({ kind: 'exchange' as const, name, role })),
    ];
    const known = placed.filter(({ kind, name }) => this.declarer.wasThere(kind, name));
    // One that was not answered is not asked once more.
    const asking = (this.presence ??= findMissing(this.broker.consume, known).finally(
      () => (this.presence = undefined),
    ));
    return (await settleWithin(asking, PRESENCE_MS)) ? asking : [];
  }

  /** What was read last stays while nothing can be read. @returns whether all was told. */
  private async readPolicies(inspected: Inspected): Promise<boolean> {
    if (!this.policies) return true;
    this.reading = new AbortController();
    if (this.isStopped) this.reading.abort();
    const { signal } = this.reading;
    const timer = setTimeout(() => {
      this.reading.abort(new Error(`has not answered everything within ${POLICIES_MS} ms`));
    }, POLICIES_MS);
    try {
      const major = Number.parseInt(this.broker.consume.serverVersion ?? '0', 10);
      const { findings, untold } = await this.policies.read(inspected, major, signal);
      this.policyFindings = findings;
      this.judgeUntold(untold);
      return untold.length === 0;
    } catch (error) {
      if (!this.isStopped) this.tell({ state: 'unreadable', reason: describeError(error).message });
      return true;
    } finally {
      clearTimeout(timer);
      this.client?.close();
    }
  }

  private judgeUntold(untold: readonly string[]): void {
    if (untold.length === 0) {
      this.untoldSince = undefined;
      this.tell({ state: 'read' });
      return;
    }
    this.untoldSince ??= performance.now();
    if (performance.now() - this.untoldSince < UNTOLD_MS) return;
    const queues = `${untold.slice(0, 3).join(', ')}${untold.length > 3 ? ` and ${untold.length - 3} more` : ''}`;
    this.tell({
      state: 'unreadable',
      reason: `the management API does not tell what is in force on ${queues}: are its statistics disabled?`,
    });
  }

  /** Everything of ours once more, bindings included: what exists is left as it is. */
  private async restore(): Promise<void> {
    const { namespace } = this.config;
    await this.attempt(() => this.declarer.restoreHouse());
    for (const work of this.registry.all())
      await this.attempt(() => this.declarer.declare(consumerPlan(namespace, work)));
    await this.attempt(() => this.tiers.restore());
  }

  /** What cannot be restored stays reported; its consumer says why. */
  private async attempt(work: () => Promise<unknown>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.logger.debug(`something missing could not be declared again: ${describeError(error).message}`);
    }
  }

  private tell(check: HoldfastEvents['policies.checked']): void {
    const isNews = check.state !== this.check?.state || check.reason !== this.check.reason;
    this.check = check;
    if (isNews) this.events.emit('policies.checked', check);
  }
}
