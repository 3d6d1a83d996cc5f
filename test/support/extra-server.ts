import { controlServers } from './servers';
import type { ServerKind, ServerRecord } from './servers';

/** A server of one test alone, to be stopped, killed or filled without disturbing the others. */
export interface ExtraServer extends Omit<ServerRecord, 'ctl'> {
  /** Starts it again with its data, on its port, after `stop` or `kill`; returns when it answers. */
  start(): Promise<void>;
  /** An orderly shutdown; returns when it has ended. */
  stop(): Promise<void>;
  /**
   * kill -9 of all its processes at once. RabbitMQ 3.10 writes down the name of a new quorum queue only about a second
   * after its declaration; killed before, it comes back with that queue empty and without a leader, for ever.
   */
  kill(): Promise<void>;
  /** Runs rabbitmqctl on it (about a second a call): its output. */
  ctl(...args: string[]): Promise<string>;
  /** Ends it and removes its data; what forgets to call it is swept up after the run. */
  remove(): Promise<void>;
}

let made = 0;

/** Starts a server beside the shared ones, in about five seconds (RabbitMQ) or two (Postgres). */
export async function extraServer(kind: ServerKind): Promise<ExtraServer> {
  made += 1;
  const name = `${kind}-${process.pid}-${made}`;
  const output = await controlServers('extra', kind, name, '--owner', String(process.pid));
  const record = JSON.parse(output) as ServerRecord;
  return {
    ...record,
    start: () => control('start', name),
    stop: () => control('stop', name),
    kill: () => control('kill', name),
    ctl: (...args) => controlServers('ctl', '--on', name, ...args),
    remove: () => control('extra-stop', name),
  };
}

async function control(...args: string[]): Promise<void> {
  await controlServers(...args);
}
