import { Inject } from '@nestjs/common';

export interface DiscoveryMode {
  /** True where several applications share one process, as in tests: a decorated class that no module provides is no mistake there. */
  readonly mayIgnore: boolean;
}

const TOKEN = Symbol('holdfast discovery mode');

export const DISCOVERY = { token: TOKEN, inject: Inject(TOKEN) };
