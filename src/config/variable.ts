import { z } from 'zod';
import { parseDuration, type Duration } from '../message/message.module';
import { parseApiKeys, type ApiKey } from './api-keys';
import { parseSize } from './size';

/** What the documentation and the error messages say about one variable. */
export interface Variable {
  readonly name: string;
  /** One word for the table of the documentation. */
  readonly type: string;
  /** As one would write it; undefined: empty. */
  readonly default: string | undefined;
  readonly description: string;
  /** Never shown, and also read from the file that `<name>_FILE` names. */
  readonly secret: boolean;
}

/** Every schema of a variable is registered here: the one place that joins schema, name and words. */
export const variables = z.registry<Variable>();

/** A kind of value: how its text is read and what is expected of it. */
interface Kind<Output> {
  readonly type: string;
  readonly secret?: boolean;
  readonly schema: z.ZodType<Output, string>;
}

/** One variable with a default, written as a user would write it. */
export function variable<Output>(name: string, kind: Kind<Output>, fallback: string, description: string) {
  return kind.schema.prefault(fallback).register(variables, {
    name,
    type: kind.type,
    default: fallback,
    description,
    secret: kind.secret ?? false,
  });
}

/** A variable that may stay empty. */
export function optionalVariable<Output>(name: string, kind: Kind<Output>, description: string) {
  return kind.schema.optional().register(variables, {
    name,
    type: kind.type,
    default: undefined,
    description,
    secret: kind.secret ?? false,
  });
}

export function integer(min: number, max: number): Kind<number> {
  return {
    type: 'whole number',
    schema: ranged(readInteger, min, max, String(min), String(max), 'a whole number'),
  };
}

export function duration(min: Duration, max: Duration): Kind<number> {
  const [least, most] = [parseDuration(min), parseDuration(max)];
  return {
    type: 'duration',
    schema: ranged(parseDuration, least, most, String(min), String(max), 'a duration like "20s" or "5m"'),
  };
}

export function size(min: string, max: string): Kind<number> {
  return {
    type: 'size',
    schema: ranged(parseSize, parseSize(min), parseSize(max), min, max, 'a size like "512KiB" or "16MiB"'),
  };
}

export function flag(): Kind<boolean> {
  const truth = z.enum(['true', 'false'], { error: 'true or false' });
  return { type: 'true or false', schema: truth.transform((text) => text === 'true') };
}

export function choice<const Values extends readonly [string, ...string[]]>(
  values: Values,
): Kind<Values[number]> {
  const oneOf = z.string().refine((text) => values.includes(text), { error: `one of ${values.join(', ')}` });
  return { type: values.join(', '), schema: oneOf.transform((text) => text) };
}

export function text(pattern: RegExp, expectation: string): Kind<string> {
  return { type: 'text', schema: z.string().regex(pattern, { error: expectation }) };
}

export function list(): Kind<string[]> {
  return { type: 'list, comma-separated', schema: z.string().transform(splitList) };
}

export function url(schemes: readonly string[]): Kind<string> {
  const expectation = `a URL that starts with ${schemes.map((scheme) => `${scheme}://`).join(' or ')}`;
  return {
    type: 'URL',
    schema: z.string().refine((value) => hasScheme(value, schemes), { error: expectation }),
  };
}

export function secretUrl(schemes: readonly string[]): Kind<string> {
  return { ...url(schemes), secret: true };
}

export function secretUrls(schemes: readonly string[]): Kind<string[]> {
  const expectation = `one URL or several, comma-separated, each starting with ${schemes.join(':// or ')}://`;
  const every = (urls: string[]): boolean =>
    urls.length > 0 && urls.every((value) => hasScheme(value, schemes));
  return {
    type: 'URLs, comma-separated',
    secret: true,
    schema: z.string().transform(splitList).refine(every, { error: expectation }),
  };
}

/** URLs that are of no use without a user and a password in them. */
export function secretLoginUrls(schemes: readonly string[]): Kind<string[]> {
  const expectation = `one URL or several, comma-separated, each like ${schemes[0] ?? ''}://user:password@host`;
  const every = (urls: string[]): boolean =>
    urls.length > 0 && urls.every((value) => hasScheme(value, schemes) && hasLogin(value));
  return {
    type: 'URLs, comma-separated',
    secret: true,
    schema: z.string().transform(splitList).refine(every, { error: expectation }),
  };
}

export function apiKeys(): Kind<readonly ApiKey[]> {
  const schema = z.string().transform((value, context) => {
    const { keys, problems } = parseApiKeys(value);
    for (const message of problems) context.addIssue({ code: 'custom', message });
    return keys;
  });
  return { type: 'name:role:secret, comma-separated or one a line', secret: true, schema };
}

function ranged(
  read: (text: string) => number,
  min: number,
  max: number,
  minText: string,
  maxText: string,
  noun: string,
): z.ZodType<number, string> {
  return z.string().transform((value, context) => {
    const number = attempt(() => read(value));
    if (number !== undefined && number >= min && number <= max) return number;
    context.addIssue({ code: 'custom', message: `${noun}, from ${minText} to ${maxText}` });
    return z.NEVER;
  });
}

function attempt<Value>(read: () => Value): Value | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

function readInteger(value: string): number {
  // Number() alone would read '', '0x10' and '1e3' as numbers.
  return /^\d+$/.test(value) ? Number(value) : NaN;
}

function splitList(value: string): string[] {
  return value
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '');
}

function hasScheme(value: string, schemes: readonly string[]): boolean {
  return URL.canParse(value) && schemes.includes(new URL(value).protocol.replace(':', ''));
}

function hasLogin(value: string): boolean {
  const { username, password } = new URL(value);
  return username !== '' && password !== '';
}
