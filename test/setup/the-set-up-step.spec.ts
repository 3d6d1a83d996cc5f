import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { evaluate } from '../support/script-module';
import { repositoryRoot, servers } from '../support/servers';

describe('the set-up step', () => {
  it.each([
    ['20.18.1', { error: { message: expect.stringContaining('nvm install'), final: false } }],
    ['18.20.0', { error: { message: expect.stringContaining('this is Node 18.20.0'), final: false } }],
    ['20.19.0', undefined],
    ['22.1.0', undefined],
  ])('judges Node %s', async (version, expected) => {
    expect(await evaluate('setup/node-version.mjs', 'it.checkNodeVersion(input)', version)).toEqual(expected);
  });

  it.each([
    ['the same packages', { 'node_modules/a': { version: '1', integrity: 'x' } }, true],
    ['another version', { 'node_modules/a': { version: '2', integrity: 'x' } }, false],
    ['other content under the same version', { 'node_modules/a': { version: '1', integrity: 'y' } }, false],
    ['a missing package', {}, false],
  ])('compares what is installed with package-lock.json: %s', async (_name, installed, expected) => {
    const wanted = {
      '': { name: 'holdfast' },
      'node_modules/a': { version: '1', integrity: 'x' },
      'node_modules/for-windows': { version: '1', integrity: 'z', optional: true },
      'node_modules/console': { link: true },
    };
    const same = await evaluate('setup/dependencies.mjs', 'it.sameContent(...input)', [wanted, installed]);
    expect(same).toBe(expected);
  });

  it('chooses ports below those that Linux hands out to clients', async () => {
    const ports = (await evaluate('setup/ports.mjs', 'it.findFreePorts(20, new Set())')) as number[];
    expect(new Set(ports).size).toBe(20);
    expect(Math.max(...ports)).toBeLessThan(32_768);
  });

  it('names each way it tried, why it failed and the line that mends it', async () => {
    const failure = {
      missing: ['rabbitmq'],
      tried: {
        rabbitmq: [
          { way: 1, why: 'amqp://127.0.0.1:5672/: connect ECONNREFUSED' },
          { way: 2, why: 'there is no docker command' },
          { way: 3, why: 'no rabbitmq-server is installed on this machine' },
          { way: 4, why: 'only root may install packages' },
        ],
      },
    };
    expect(
      await evaluate('setup/ways-tried.mjs', `it.describeFailure(input, 'linux')`, failure),
    ).toMatchSnapshot();
  });

  it.each([
    ['RABBITMQ_URL', 'amqp://guest:hidden-secret@127.0.0.1', 'ACCESS_REFUSED'],
    ['DATABASE_URL', 'postgres://postgres:hidden-secret@127.0.0.1', 'password authentication failed'],
  ])('never replaces a server that %s names', async (variable, address, reason) => {
    const { rabbitmqUrl, databaseUrl } = servers();
    const { port } = new URL(variable === 'RABBITMQ_URL' ? rabbitmqUrl : databaseUrl);
    const { code, stderr } = await start({ [variable]: `${address}:${port}` });
    expect(code).toBe(1);
    expect(stderr).toContain(`${variable} is set to`);
    expect(stderr).toContain(reason);
    expect(stderr).toContain(`unset ${variable}`);
    expect(stderr).not.toContain('hidden-secret');
  });
});

describe('the closing line of the tests', () => {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-results-'));
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });

  const counts = (some: object): object => ({
    numPassedTests: 0,
    numFailedTests: 0,
    numPendingTests: 0,
    numTodoTests: 0,
    testResults: [],
    ...some,
  });

  it.each([
    ['all well', counts({ numPassedTests: 7 }), 0, '7 passed, 0 failed'],
    ['one failure', counts({ numPassedTests: 6, numFailedTests: 1 }), 1, '6 passed, 1 failed'],
    [
      'some skipped',
      counts({ numPassedTests: 6, numPendingTests: 2, numTodoTests: 1 }),
      0,
      '6 passed, 0 failed, 3 skipped',
    ],
    [
      'a file that does not load',
      counts({ numPassedTests: 3, testResults: [{ status: 'failed', assertionResults: [] }] }),
      1,
      '3 passed, 1 failed',
    ],
    ['no test found', counts({}), 1, '0 passed, 1 failed'],
    ['no result at all', undefined, 1, '0 passed, 1 failed'],
  ])('counts %s', async (_name, results, code, expected) => {
    const path = join(mkdtempSync(join(folder, 'run-')), 'jest.json');
    if (results) writeFileSync(path, JSON.stringify(results));
    expect(await evaluate('setup/jest-results.mjs', 'it.closingLine(...input)', [path, code])).toBe(expected);
  });

  it.each([
    ['kept', [true, true, true], 0, '9 passed, 0 failed'],
    ['broken', [true, false, true], 1, '8 passed, 1 failed'],
  ])('counts the rules of the chaos referee that were %s', async (_name, rules, code, expected) => {
    const run = mkdtempSync(join(folder, 'run-'));
    writeFileSync(join(run, 'jest.json'), JSON.stringify(counts({ numPassedTests: 6 })));
    writeFileSync(
      join(run, 'report.json'),
      JSON.stringify({ verdicts: rules.map((passed) => ({ passed })) }),
    );
    const paths = [join(run, 'jest.json'), code, join(run, 'report.json')];
    expect(await evaluate('setup/jest-results.mjs', 'it.closingLine(...input)', paths)).toBe(expected);
  });
});

function start(env: Record<string, string>): Promise<{ code: unknown; stderr: string }> {
  const servers = join(repositoryRoot, 'scripts', 'servers.mjs');
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [servers, 'start'],
      { env: { ...process.env, ...env } },
      (error, _stdout, stderr) => {
        resolve({ code: error?.code ?? 0, stderr });
      },
    );
  });
}
