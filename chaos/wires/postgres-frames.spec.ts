import * as fc from 'fast-check';
import { postgresSieves, type CommitFate } from './postgres-frames';
import type { Sieve } from './sieve';

function message(type: string, body: string | Buffer = ''): Buffer {
  const content = Buffer.from(body);
  const header = Buffer.alloc(5, type, 'latin1');
  header.writeInt32BE(4 + content.length, 1);
  return Buffer.concat([header, content]);
}

function introduction(code: number, rest = ''): Buffer {
  const header = Buffer.alloc(8);
  header.writeInt32BE(8 + rest.length, 0);
  header.writeInt32BE(code, 4);
  return Buffer.concat([header, Buffer.from(rest)]);
}

const query = (text: string): Buffer => message('Q', `${text}\0`);
const STARTUP = introduction(196_608, 'user\0me\0\0');
const GREETING = Buffer.concat([message('R', '\0\0\0\0'), message('S', 'a\0b\0'), message('Z', 'I')]);
const READY = message('Z', 'I');
const done = (tag: string): Buffer => Buffer.concat([message('C', `${tag}\0`), READY]);

function sift(
  sieve: Sieve,
  bytes: Buffer,
  chunks: readonly number[] = [],
): { bytes: Buffer; isOpen: boolean } {
  const forwarded: Buffer[] = [];
  let isOpen = true;
  for (let at = 0, i = 0; isOpen && at < bytes.length; i++) {
    const end = at + (chunks.length === 0 ? bytes.length : chunks[i % chunks.length]!);
    isOpen = sieve.sift(bytes.subarray(at, end), (part) => forwarded.push(part));
    at = end;
  }
  return { bytes: Buffer.concat(forwarded), isOpen };
}

/** Meets the COMMITs with these numbers, from 0. */
function fates(
  kind: CommitFate['kind'],
  numbers: readonly number[],
  claim = true,
): { next(): CommitFate | undefined } {
  let met = -1;
  return { next: () => (numbers.includes(++met) ? { kind, claim: () => claim } : undefined) };
}

describe('the messages of Postgres', () => {
  it.each(['commit', 'COMMIT', 'Commit;', ' commit '])('contain a COMMIT in the query %j', (text) => {
    const sieve = postgresSieves(fates('unsent', [0]))['to-server'];
    const before = Buffer.concat([STARTUP, query('select 1')]);
    const after = query('begin');
    expect(sift(sieve, Buffer.concat([before, query(text), after]))).toEqual({
      bytes: before,
      isOpen: false,
    });
  });

  it.each([
    ['another query', query("select 'commit'")],
    ['a query with more than that', query('commit; begin')],
    ['a query that begins so', query("commit prepared 'x'")],
    ['a prepared statement', message('P', '\0commit\0\0\0')],
    ['a password', message('p', 'commit\0')],
    ['an empty query', query('')],
  ])('contain none in %s', (_, bytes) => {
    const sieve = postgresSieves(fates('unsent', [0]))['to-server'];
    const all = Buffer.concat([STARTUP, bytes]);
    expect(sift(sieve, all, [1])).toEqual({ bytes: all, isOpen: true });
  });

  it('show which answer belongs to the COMMIT, however much is asked at once', () => {
    const sieves = postgresSieves(fates('unanswered', [1]));
    const questions = [
      STARTUP,
      query('commit'),
      message('P', 'parse'),
      message('S'),
      message('F', 'call'),
      query('commit'),
      query('begin'),
    ];
    const answers = [
      GREETING,
      done('COMMIT'),
      message('1'),
      message('C', 'COMMIT\0'),
      READY,
      message('V'),
      READY,
      message('N', 'a notice of the COMMIT'),
    ];
    const asked = Buffer.concat(questions);
    expect(sift(sieves['to-server'], asked)).toEqual({ bytes: asked, isOpen: true });
    const answered = Buffer.concat(answers);
    expect(sift(sieves['to-client'], Buffer.concat([answered, done('COMMIT'), done('BEGIN')]))).toEqual({
      bytes: answered,
      isOpen: false,
    });
  });

  it('answer a COMMIT with an error too', () => {
    const sieves = postgresSieves(fates('unanswered', [0]));
    sift(sieves['to-server'], Buffer.concat([STARTUP, query('commit')]));
    const answers = Buffer.concat([GREETING, message('E', 'no'), READY]);
    expect(sift(sieves['to-client'], answers)).toEqual({ bytes: GREETING, isOpen: false });
  });

  it('pass when the fate of a COMMIT has been withdrawn meanwhile', () => {
    for (const kind of ['unsent', 'unanswered'] as const) {
      const sieves = postgresSieves(fates(kind, [0], false));
      const asked = Buffer.concat([STARTUP, query('commit')]);
      const answered = Buffer.concat([GREETING, done('COMMIT')]);
      expect(sift(sieves['to-server'], asked)).toEqual({ bytes: asked, isOpen: true });
      expect(sift(sieves['to-client'], answered)).toEqual({ bytes: answered, isOpen: true });
    }
  });

  it.each([
    ['TLS is asked for', introduction(80_877_103)],
    ['encryption by GSS is asked for', introduction(80_877_104)],
    ['a size cannot be one', Buffer.concat([STARTUP, Buffer.from('Q\0\0\0\x01commit\0')])],
    ['it is no Postgres', Buffer.from('\0\0\0\x02nothing like it')],
  ])('are unreadable once %s, and pass', (_, beginning) => {
    const sieves = postgresSieves(fates('unsent', [0]));
    const asked = Buffer.concat([beginning, query('commit'), Buffer.from('\xff\0\xff\xff\xff\xff')]);
    expect(sift(sieves['to-server'], asked, [9])).toEqual({ bytes: asked, isOpen: true });
    const answered = Buffer.from('N\xff\0\xff\xff\xff\xffanything');
    expect(sift(sieves['to-client'], answered, [9])).toEqual({ bytes: answered, isOpen: true });
  });

  it('break where they must, however the stream is cut into chunks', () => {
    const turn = fc.oneof(
      fc.constant({ asked: query('commit'), answered: done('COMMIT'), commits: true }),
      fc.string({ maxLength: 60 }).map((text) => ({
        asked: query(`select '${text}'`),
        answered: Buffer.concat([message('T', text), message('D', `commit\0${text}`), done('SELECT 1')]),
        commits: false,
      })),
      fc.string({ maxLength: 60 }).map((text) => ({
        asked: Buffer.concat([message('P', text), message('B', text), message('E'), message('S')]),
        answered: Buffer.concat([message('1'), message('2'), done('COMMIT')]),
        commits: false,
      })),
    );
    const sizes = fc.array(fc.integer({ min: 1, max: 70 }), { maxLength: 8 });
    const kinds = fc.constantFrom<CommitFate['kind']>('unsent', 'unanswered');
    fc.assert(
      fc.property(fc.array(turn), fc.nat(4), kinds, sizes, sizes, (turns, hit, kind, up, down) => {
        const sieves = postgresSieves(fates(kind, [hit]));
        const commits = turns.flatMap(({ commits: isCommit }, at) => (isCommit ? [at] : []));
        const lost = commits[hit] ?? turns.length;
        const asked = [STARTUP, ...turns.map((one) => one.asked)];
        const answered = [GREETING, ...turns.map((one) => one.answered)];
        const sent = kind === 'unsent' ? asked.slice(0, lost + 1) : asked;
        expect(sift(sieves['to-server'], Buffer.concat(asked), up)).toEqual({
          bytes: Buffer.concat(sent),
          isOpen: sent.length === asked.length,
        });
        const told = kind === 'unanswered' ? answered.slice(0, lost + 1) : answered;
        expect(sift(sieves['to-client'], Buffer.concat(answered), down)).toEqual({
          bytes: Buffer.concat(told),
          isOpen: told.length === answered.length,
        });
      }),
    );
  });
});
