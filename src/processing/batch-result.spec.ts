import { readFileSync } from 'node:fs';
import { Discard, PermanentError } from '../message/message.module';
import { BatchResultError, readBatchResult } from './batch-result';

const members = ['a', 'b', 'c'];
const failed = new PermanentError('no');
const gone = new Discard('too old');
/** Made outside of the realm that a test runs in: no instance of its Error. */
const foreign = ((): unknown => {
  try {
    return readFileSync('/no/such/file');
  } catch (error) {
    return error;
  }
})();

describe('readBatchResult', () => {
  it.each<[string, unknown, [string, unknown][]]>([
    ['nothing', undefined, []],
    ['an entry for each, all completed', [undefined, undefined, undefined], []],
    ['an array of holes', new Array(3), []],
    ['one that failed', [undefined, failed, undefined], [['b', failed]]],
    [
      'all that failed, each in its way',
      [failed, gone, foreign],
      [
        ['a', failed],
        ['b', gone],
        ['c', foreign],
      ],
    ],
  ])('understands %s', (_, result, failures) => {
    expect([...readBatchResult(result, members)]).toEqual(failures);
  });

  it.each<[string, unknown, string]>([
    ['null', null, 'it returned null'],
    ['a word', 'done', 'it returned a value of type string'],
    ['an object', {}, 'it returned a value of type object'],
    ['too few entries', [failed], 'it returned an array of 1'],
    ['too many entries', [failed, failed, failed, failed], 'it returned an array of 4'],
    ['an entry that is null', [undefined, null, undefined], 'entry 1 is null'],
    ['an entry that is a row', [{ id: 1 }, undefined, undefined], 'entry 0 is a value of type object'],
    ['an entry that is an array', [undefined, undefined, []], 'entry 2 is an array'],
  ])('refuses %s, and says what it expects', (_, result, found) => {
    expect(() => readBatchResult(result, members)).toThrow(BatchResultError);
    expect(() => readBatchResult(result, members)).toThrow(
      `an array with one entry for each of its messages (here 3): undefined for one that is completed, an Error for one that failed; ${found}`,
    );
  });
});
