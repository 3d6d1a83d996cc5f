import { ZodError } from 'zod';
import type { Finding } from '../message/message.module';
import type { Inspected, InspectedExchange } from './inspected';
import {
  QUEUE_COLUMNS,
  readClusterSize,
  readDefinitions,
  readExchangePolicy,
  readQueue,
  type Definitions,
  type Policies,
} from './management-answers';
import { ManagementError, type ManagementClient } from './management-client';
import { judgeExchange, judgeQueue } from './policy-rules';
import { judgeReplicas } from './replica-rules';

export interface PolicyReading {
  readonly findings: readonly Finding[];
  /** Queues of which the broker does not tell yet, or never, which policy is in force. */
  readonly untold: readonly string[];
}

/**
 * Reads the policies in force and judges them. Each queue is asked for by its name: a list of the virtual host costs the broker as
 * much as it has queues, whosever they are, and grows beyond any bound on its size; a single one takes it a millisecond.
 */
export class PolicyReader {
  private readonly vhost: string;

  constructor(
    private readonly client: ManagementClient,
    vhost: string,
  ) {
    this.vhost = encodeURIComponent(vhost);
  }

  /** @param major version of RabbitMQ. @throws ManagementError */
  async read({ queues, exchanges }: Inspected, major: number, signal: AbortSignal): Promise<PolicyReading> {
    try {
      const policies = await this.policies(signal);
      const clusterSize = await this.clusterSize(signal);
      const findings: Finding[] = [];
      const untold: string[] = [];
      for (const queue of queues) {
        const answer = await this.client.get(this.pathOf('queues', queue.name), signal);
        // Not there: for AMQP to tell, which knows it at once.
        if (answer === undefined) continue;
        const facts = readQueue(answer, policies, major);
        if (facts) findings.push(...judgeQueue(queue, facts), ...judgeReplicas(queue, facts, clusterSize));
        else untold.push(queue.name);
      }
      findings.push(...(await this.judgeExchanges(exchanges, policies.users, signal)));
      return { findings, untold };
    } catch (error) {
      if (!(error instanceof ZodError)) throw error;
      const [issue] = error.issues;
      const what = issue ? `${issue.path.join('.')}: ${issue.message}` : error.message;
      throw new ManagementError(`an answer is not one of RabbitMQ's management API (${what})`, undefined, {
        cause: error,
      });
    }
  }

  private async policies(signal: AbortSignal): Promise<Policies> {
    const [users, operators] = [
      await this.client.get(`/policies/${this.vhost}`, signal),
      await this.client.get(`/operator-policies/${this.vhost}`, signal),
    ];
    if (users === undefined || operators === undefined) {
      throw new ManagementError(
        `knows no virtual host "${decodeURIComponent(this.vhost)}": is it the broker of RABBITMQ_URL?`,
      );
    }
    return { users: readDefinitions(users), operators: readDefinitions(operators) };
  }

  /** Only for a user with the tag `monitoring`. */
  private async clusterSize(signal: AbortSignal): Promise<number | undefined> {
    try {
      return readClusterSize(await this.client.get('/nodes?columns=name', signal));
    } catch (error) {
      if (error instanceof ManagementError && (error.status === 401 || error.status === 403))
        return undefined;
      throw error;
    }
  }

  /** Of an exchange the broker names the policy only; most virtual hosts have none that concerns exchanges. */
  private async judgeExchanges(
    exchanges: readonly InspectedExchange[],
    definitions: Definitions,
    signal: AbortSignal,
  ): Promise<Finding[]> {
    const key = 'alternate-exchange';
    if (![...definitions.values()].some((definition) => key in definition)) return [];
    const findings: Finding[] = [];
    for (const exchange of exchanges) {
      const answer = await this.client.get(this.pathOf('exchanges', exchange.name), signal);
      const policy = answer === undefined ? undefined : readExchangePolicy(answer);
      const value = policy === undefined ? undefined : definitions.get(policy)?.[key];
      if (policy !== undefined && typeof value === 'string')
        findings.push(...judgeExchange(exchange, { value, policy: { name: policy, isOperator: false } }));
    }
    return findings;
  }

  private pathOf(kind: 'queues' | 'exchanges', name: string): string {
    const columns = kind === 'queues' ? QUEUE_COLUMNS : 'policy';
    return `/${kind}/${this.vhost}/${encodeURIComponent(name)}?columns=${columns}`;
  }
}

/** The virtual host of a list of AMQP addresses, read as amqplib reads it. */
export function vhostOf([url = '']: readonly string[]): string {
  const path = new URL(url).pathname.slice(1);
  return path === '' ? '/' : decodeURIComponent(path);
}
