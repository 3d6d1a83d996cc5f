import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { repositoryRoot } from '../support/servers';

/** The lock lives in the checkout, so the scripts are copied to one that nobody uses. */
let checkout: string;

beforeAll(() => {
  checkout = mkdtempSync(join(tmpdir(), 'holdfast-lock-'));
  mkdirSync(join(checkout, 'scripts'));
  cpSync(join(repositoryRoot, 'scripts', 'setup'), join(checkout, 'scripts', 'setup'), { recursive: true });
  writeFileSync(join(checkout, 'count'), '0');
});

afterAll(() => {
  rmSync(checkout, { recursive: true, force: true });
});

const lockPath = (): string => join(checkout, '.holdfast', 'test.lock');

function holdLock(action: string): ReturnType<typeof spawn> {
  const program = `
    import { withLock } from ${JSON.stringify(join(checkout, 'scripts', 'setup', 'lock.mjs'))};
    import { readFileSync, writeFileSync } from 'node:fs';
    const path = ${JSON.stringify(join(checkout, 'count'))};
    ${action}
  `;
  return spawn(process.execPath, ['--input-type=module', '--eval', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

describe('a lock of the set-up', () => {
  it('is held by one process at a time', async () => {
    const addTen = `
      for (let i = 0; i < 10; i += 1) await withLock('test', async () => {
        const before = Number(readFileSync(path));
        await new Promise((resolve) => setTimeout(resolve, 1));
        writeFileSync(path, String(before + 1));
      });`;
    const processes = Array.from({ length: 4 }, () => holdLock(addTen));
    const codes = await Promise.all(processes.map((child) => once(child, 'exit')));
    expect(codes.map(([code]) => code as number)).toEqual([0, 0, 0, 0]);
    expect(readFileSync(join(checkout, 'count'), 'utf8')).toBe('40');
    expect(existsSync(lockPath())).toBe(false);
  });

  it('is taken over from a process that was killed', async () => {
    const holder = holdLock(
      `await withLock('test', () => (console.log('held'), new Promise(() => setInterval(() => {}, 1000))));`,
    );
    await once(holder.stdout!, 'data');
    holder.kill('SIGKILL');
    await once(holder, 'exit');
    expect(existsSync(lockPath())).toBe(true);

    const next = holdLock(`await withLock('test', () => {});`);
    expect(await once(next, 'exit')).toEqual([0, null]);
  });

  it('is not kept by a process number that now belongs to somebody else', async () => {
    writeFileSync(lockPath(), JSON.stringify({ pid: process.pid, start: 'another time' }));
    const next = holdLock(`await withLock('test', () => {});`);
    expect(await once(next, 'exit')).toEqual([0, null]);
  });
});
