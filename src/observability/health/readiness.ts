import type { ConsumerStatus } from '../../consumer/consumer.module';
import type { Finding, PolicyState } from '../../message/message.module';

/** What is told of; the rest is in the metrics. */
const MOST_FINDINGS = 20;

/** Everything readiness is judged by: states that others keep, never a probe of a dependency. */
export interface ServiceState {
  readonly stopping: boolean;
  readonly connections: Readonly<Record<'consume' | 'publish', ConnectionState>>;
  readonly database: { readonly available: boolean; readonly reason: string | undefined };
  readonly consumers: readonly ConsumerStatus[];
  readonly findings: readonly Finding[];
  readonly policies: { readonly state: PolicyState; readonly reason?: string } | undefined;
}

export interface ConnectionState {
  readonly status: 'connected' | 'disconnected' | 'blocked';
  readonly reason: string | undefined;
}

/** One part of the service as a probe shows it. */
export interface Part {
  readonly name: string;
  readonly up: boolean;
  readonly details: Readonly<Record<string, unknown>>;
}

/** Every part, the missing ones with the reason. The service is ready when all are up. */
export function judgeReadiness(state: ServiceState): Part[] {
  return [
    ...(state.stopping ? [{ name: 'service', up: false, details: { reason: 'shutting down' } }] : []),
    judgeBroker(state.connections),
    {
      name: 'database',
      up: state.database.available,
      details: state.database.available ? {} : { reason: state.database.reason ?? 'not reached yet' },
    },
    judgeTopology(state),
    ...judgeConsumers(state.consumers),
  ];
}

function judgeBroker({ consume, publish }: ServiceState['connections']): Part {
  const missing = Object.entries({ consume, publish }).filter(([, { status }]) => status !== 'connected');
  const reasons = missing.map(
    ([name, { status, reason }]) => `${name} ${status}${reason ? `: ${reason}` : ''}`,
  );
  return {
    name: 'broker',
    up: missing.length === 0,
    details: {
      consume: consume.status,
      publish: publish.status,
      ...(reasons.length > 0 && { reason: reasons.join('; ') }),
    },
  };
}

/** Always up: a policy of somebody else must not take every replica out of service. */
function judgeTopology({ findings, policies }: ServiceState): Part {
  const shown = findings.slice(0, MOST_FINDINGS);
  return {
    name: 'topology',
    up: true,
    details: {
      policies: policies?.state ?? 'not read yet',
      ...(policies?.reason !== undefined && { reason: policies.reason }),
      ...(findings.length > 0 && {
        degraded: true,
        findings: shown.map(({ object, kind, policy, effect }) => ({ object, kind, policy, effect })),
        mend: [...new Set(shown.map(({ mend }) => mend))],
      }),
      ...(findings.length > shown.length && { more: findings.length - shown.length }),
    },
  };
}

/**
 * A consumer whose queue has drifted needs a person, not a restart: one of them must not take a working service out of
 * rotation. When all have drifted, nothing works.
 */
function judgeConsumers(consumers: readonly ConsumerStatus[]): Part[] {
  const allDrifted = consumers.length > 0 && consumers.every(({ state }) => state === 'drifted');
  return consumers.map(({ queue, state, reason, drift, paused }) => {
    const degraded = state === 'drifted' || drift.length > 0;
    return {
      name: `consumer:${queue}`,
      up: state === 'running' || state === 'paused' || (state === 'drifted' && !allDrifted),
      details: {
        state,
        ...(reason !== null && { reason }),
        ...(paused && { pausedBy: paused.by }),
        ...(degraded && { degraded, mend: drift.map(({ mend }) => mend) }),
      },
    };
  });
}
