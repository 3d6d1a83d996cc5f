import { Barrier } from './barrier';

const NONE: ReadonlyMap<string, unknown> = new Map();

describe('a barrier', () => {
  it('calls once, when all have arrived, in the order of the batch', async () => {
    const calls: (readonly string[])[] = [];
    const barrier = new Barrier(['a', 'b', 'c'], (arrived) => {
      calls.push(arrived);
      return Promise.resolve(NONE);
    });
    const failures = await barrier.pass(async (member) => {
      if (member === 'a') await new Promise(setImmediate);
      await barrier.arrive(member);
    });
    expect(calls).toEqual([['a', 'b', 'c']]);
    expect(failures.size).toBe(0);
  });

  it('leaves out who fails on the way, also when nobody is left', async () => {
    const calls: (readonly string[])[] = [];
    const barrier = new Barrier(['a', 'b'], (arrived) => {
      calls.push(arrived);
      return Promise.resolve(NONE);
    });
    const failures = await barrier.pass((member) =>
      member === 'a' ? Promise.reject(new Error('step')) : barrier.arrive(member),
    );
    expect(calls).toEqual([['b']]);
    expect([...failures]).toEqual([['a', new Error('step')]]);

    const lonely = new Barrier(['a'], () => Promise.reject(new Error('called')));
    expect((await lonely.pass(() => Promise.reject(new Error('step')))).size).toBe(1);
  });

  it('tells each what it came to, and goes by what its steps make of that', async () => {
    const own = new Error('own');
    const barrier = new Barrier(['a', 'b'], () => Promise.resolve(new Map([['b', own]])));
    const failures = await barrier.pass((member) =>
      barrier.arrive(member).catch((error: unknown) => {
        throw new Error('translated', { cause: error });
      }),
    );
    expect([...failures]).toEqual([['b', new Error('translated')]]);
    expect((failures.get('b') as Error).cause).toBe(own);
  });

  it('fails as a whole with the call, whatever the steps make of it', async () => {
    const whole = new Error('whole');
    const barrier = new Barrier(['a', 'b'], () => Promise.reject(whole));
    const passing = barrier.pass((member) =>
      barrier.arrive(member).catch(() => {
        throw new Error('translated');
      }),
    );
    await expect(passing).rejects.toBe(whole);
  });

  it('fails as a whole when a step fails after the call: its message has been handled with the others', async () => {
    const barrier = new Barrier(['a', 'b'], () => Promise.resolve(NONE));
    const passing = barrier.pass(async (member) => {
      await barrier.arrive(member);
      if (member === 'b') throw new Error('late');
    });
    await expect(passing).rejects.toThrow('late');
  });
});
