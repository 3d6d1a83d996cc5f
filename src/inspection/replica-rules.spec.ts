import type { InspectedQueue } from './inspected';
import { judgeReplicas } from './replica-rules';

const queue: InspectedQueue = { name: 'orders', role: 'work', isOurs: true };
const nodes = (count: number): string[] => Array.from({ length: count }, (_, i) => `rabbit@${i}`);

describe('judgeReplicas', () => {
  it.each<[string, number, number, number | undefined, RegExp | undefined]>([
    ['one node, one member', 1, 1, 1, undefined],
    ['two nodes, one member', 1, 1, 2, undefined],
    ['three nodes, one member', 1, 1, 3, /one of 3 nodes: with that node everything in it is lost/],
    ['three nodes, two members', 2, 2, 3, /two of 3 nodes/],
    ['three nodes, three members', 3, 3, 3, undefined],
    ['three members, one down', 3, 2, 3, undefined],
    ['three members, two down', 3, 1, 3, /only 1 of its 3 members are up/],
    ['two members, one down', 2, 1, 2, /only 1 of its 2 members/],
    ['five members, two down', 5, 3, 5, undefined],
    ['five members, three down', 5, 2, 5, /only 2 of its 5/],
    ['one member that is down', 1, 0, 1, /only 0 of its 1/],
    ['a cluster of unknown size', 1, 1, undefined, undefined],
  ])('judges %s', (_, members, online, clusterSize, effect) => {
    const facts = { type: 'quorum', arguments: {}, policy: {}, major: 3 };
    const found = judgeReplicas(
      queue,
      { ...facts, members: nodes(members), online: nodes(online) },
      clusterSize,
    );
    expect(found.map(({ kind }) => kind)).toEqual(effect ? ['unreplicated'] : []);
    if (effect) expect(found[0]?.effect).toMatch(effect);
  });

  it('leaves classic queues, and what a broker does not tell, alone', () => {
    const facts = { arguments: {}, policy: {}, major: 3 };
    expect(judgeReplicas(queue, { ...facts, type: 'classic', members: ['a'], online: ['a'] }, 3)).toEqual([]);
    expect(judgeReplicas(queue, { ...facts, type: 'quorum' }, 3)).toEqual([]);
  });
});
