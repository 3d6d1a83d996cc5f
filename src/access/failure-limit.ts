import { isIPv6 } from 'node:net';

const WINDOW_MS = 60_000;
const ALLOWED_FAILURES = 10;
/** About 1 MB at most, however many addresses an attacker uses; the least recently failing are forgotten first. */
const MOST_SOURCES = 10_000;

interface Failures {
  count: number;
  readonly until: number;
}

/** Counts failed logins of each source; after ten within a minute a source has to wait until that minute is over. */
export class FailureLimit {
  private readonly failures = new Map<string, Failures>();

  constructor(private readonly now: () => number = () => performance.now()) {}

  /** Seconds the source has to wait; 0 when it may try. */
  secondsToWait(address: string): number {
    const failures = this.current(sourceOf(address));
    return failures && failures.count >= ALLOWED_FAILURES
      ? Math.ceil((failures.until - this.now()) / 1000)
      : 0;
  }

  add(address: string): void {
    const source = sourceOf(address);
    const failures = this.current(source) ?? { count: 0, until: this.now() + WINDOW_MS };
    failures.count += 1;
    this.failures.delete(source);
    this.failures.set(source, failures);
    if (this.failures.size <= MOST_SOURCES) return;
    const [oldest] = this.failures.keys();
    if (oldest !== undefined) this.failures.delete(oldest);
  }

  private current(source: string): Failures | undefined {
    const failures = this.failures.get(source);
    return failures && failures.until > this.now() ? failures : undefined;
  }
}

/** An IPv6 customer gets a whole /64: counting single addresses would count nothing. */
function sourceOf(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped) return mapped;
  if (!isIPv6(address)) return address;
  const [head = '', tail] = (address.split('%')[0] ?? '').toLowerCase().split('::');
  const groups = head === '' ? [] : head.split(':');
  const rest = tail ? tail.split(':') : [];
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - groups.length - rest.length);
  return [...groups, ...Array<string>(zeros).fill('0'), ...rest].slice(0, 4).join(':');
}
