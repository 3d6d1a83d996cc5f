/** `{ 'holdfast_messages_total': [{ labels: { queue, outcome }, value }] }` from the text format of Prometheus. */
export function parseMetrics(page) {
  const metrics = {};
  for (const line of page.split('\n')) {
    const [, name, labels = '', value] = /^([a-z_]\w*)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
    if (!name) continue;
    const pairs = [...labels.matchAll(/(\w+)="([^"]*)"/g)].map(([, key, text]) => [key, text]);
    (metrics[name] ??= []).push({ labels: Object.fromEntries(pairs), value: Number(value) });
  }
  return metrics;
}

/**
 * Sums a counter over the lives of a process: it begins at 0 again when the process does. What was counted between the
 * last look and a kill -9 is not seen by anybody.
 */
export class CounterOverRestarts {
  #last = new Map();
  #before = new Map();

  read(key, value) {
    const last = this.#last.get(key) ?? 0;
    if (value < last) this.#before.set(key, (this.#before.get(key) ?? 0) + last);
    this.#last.set(key, value);
    return this.total(key);
  }

  total(key) {
    return (this.#before.get(key) ?? 0) + (this.#last.get(key) ?? 0);
  }
}
