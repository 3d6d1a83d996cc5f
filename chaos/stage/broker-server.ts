import type { Undo } from '../wires/wire';

export interface QueueFigures {
  readonly name: string;
  readonly ready: number;
  readonly unacknowledged: number;
  readonly consumers: number;
}

export interface Policy {
  readonly pattern: string;
  readonly definition: Readonly<Record<string, string | number>>;
}

/** The RabbitMQ of this run, as a machine room sees it. */
export interface BrokerServer {
  /** kill -9 of the node; `start` brings it back with its data. */
  kill(): Promise<void>;
  /** An orderly stop. */
  stop(): Promise<void>;
  start(): Promise<void>;
  /** rabbitmqctl: its output. About a second a call. */
  ctl(...args: string[]): Promise<string>;
  /** @throws when the broker cannot be asked. */
  queues(): Promise<QueueFigures[]>;
  /** Lays a policy over queues; the undo takes it off again. */
  layPolicy(name: string, policy: Policy): Promise<() => Promise<void>>;
  deleteQueue(name: string): Promise<void>;
  /** The broker closes every client connection. */
  closeConnections(reason: string): Promise<void>;
  /** Raises the memory or the disk alarm: every publisher is blocked. The undo clears it, also after a restart. */
  raiseAlarm(of: 'memory' | 'disk'): Promise<() => Promise<void>>;
}

export type { Undo };
