import { collectDefaultMetrics, Registry } from 'prom-client';

/** One registry for each application: several live in one process in tests, and in an adopter's there are others. */
export const REGISTRY = Symbol('metrics registry');

/** With what prom-client knows of the process: memory, event loop, garbage collection. */
export function createRegistry(): Registry {
  const register = new Registry();
  collectDefaultMetrics({ register });
  return register;
}
