import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { clusterFaults } from '../../chaos/nemesis/cluster-faults';
import { RECOVERY_MS } from '../../chaos/nemesis/director';
import type { Fault } from '../../chaos/nemesis/fault';
import { brokerFaults } from '../../chaos/nemesis/faults/broker-faults';
import { databaseFaults } from '../../chaos/nemesis/faults/database-faults';
import { policyFaults } from '../../chaos/nemesis/faults/policy-faults';
import { queueFaults } from '../../chaos/nemesis/faults/queue-faults';
import { wireFaults } from '../../chaos/nemesis/faults/wire-faults';
import { replicaFaults } from '../../chaos/nemesis/replica-faults';
import type { RabbitmqCluster } from '../../chaos/stage/rabbitmq-cluster';
import { references, root, target } from './pages';
import { sentences } from './sentences';

const read = (path: string): string => readFileSync(join(root, path), 'utf8');

const page = { path: 'docs/reliability.md', text: read('docs/reliability.md') };
const proofs = references(page.text).map(({ label, target: link, title = '' }) => ({
  label,
  title,
  path: target(page, link).path,
}));
const between = (begin: string, end: string): string =>
  page.text.split(begin)[1]?.split(end)[0]?.trim() ?? '';

const FAULTS: Readonly<Record<string, readonly Fault[]>> = {
  'chaos/nemesis/replica-faults.ts': replicaFaults,
  // Not struck here: only their names matter.
  'chaos/nemesis/cluster-faults.ts': clusterFaults({} as RabbitmqCluster),
  'chaos/nemesis/faults/broker-faults.ts': brokerFaults,
  'chaos/nemesis/faults/database-faults.ts': databaseFaults,
  'chaos/nemesis/faults/policy-faults.ts': policyFaults,
  'chaos/nemesis/faults/queue-faults.ts': queueFaults,
  'chaos/nemesis/faults/wire-faults.ts': wireFaults,
};

describe('the page about reliability', () => {
  it('says for each outcome of the failure model what shows it, or that nothing does', () => {
    const rows = between('<!-- failure-model -->', '<!-- failure-model -->')
      .split('\n')
      .filter((line) => line.startsWith('| '));
    const cells = rows
      .filter((row, at) => !rows[at + 1]?.startsWith('| --') && !row.startsWith('| --'))
      .flatMap((row) => row.split('|').slice(2, -1))
      .map((cell) => cell.trim());
    expect(cells.length).toBeGreaterThan(120);
    expect(cells.filter((cell) => !/\]\[.+\]|^–$|\bnot shown$/.test(cell))).toEqual([]);
  });

  it('has a proof for each link to one, and a link to each proof', () => {
    const used = [...page.text.matchAll(/\]\[([^\]]+)\]/g)].map(([, label = '']) => label);
    expect([...new Set(used)].sort()).toEqual(proofs.map(({ label }) => label).sort());
  });

  it('quotes each test by the sentence it has in its file', () => {
    const tests = proofs.filter(({ path }) => path.endsWith('.spec.ts'));
    expect(tests.length).toBeGreaterThan(40);
    expect(tests.filter(({ path, title }) => !sentences(path).includes(title))).toEqual([]);
  });

  it('names each fault of the referee as its file does', () => {
    const faults = proofs.filter(({ path }) => !path.endsWith('.spec.ts'));
    expect(faults.length).toBeGreaterThan(40);
    expect(faults.filter(({ path, title }) => !FAULTS[path]?.some(({ name }) => name === title))).toEqual([]);
  });

  it('lists what the referee checks', () => {
    const sources = readdirSync(join(root, 'chaos/referee')).map((file) => read(`chaos/referee/${file}`));
    const rules = sources.flatMap((text) =>
      [...text.matchAll(/\brule: ['`]([^'`]+)['`]/g)].map(([, rule = '']) =>
        rule.replace('${RECOVERY_MS / 1_000}', String(RECOVERY_MS / 1_000)),
      ),
    );
    expect(rules.length).toBeGreaterThan(5);
    expect(rules.filter((rule) => !page.text.includes(rule))).toEqual([]);
  });

  it('gives the figures of a run that lost and doubled nothing, and the command that repeats it', () => {
    const figures = between('<!-- chaos:begin -->', '<!-- chaos:end -->');
    expect(figures).toMatch(/`npm run chaos -- --seed \d+/);
    expect(figures).toContain('lost 0, doubled 0');
    expect(figures).not.toContain('VIOLATED');
  });
});
