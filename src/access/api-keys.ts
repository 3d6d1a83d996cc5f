import { createHash, timingSafeEqual } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { type AccessConfig, InjectConfig, type Role } from '../config/config.module';

/** Who is calling, as the API and its log know them. */
export interface Caller {
  readonly name: string;
  readonly role: Role;
}

/** The keys of the admin API. Only digests of the secrets are kept. */
@Injectable()
export class ApiKeys {
  private readonly keys: readonly { readonly caller: Caller; readonly digest: Buffer }[];

  constructor(@InjectConfig('access') { apiKeys }: AccessConfig) {
    this.keys = apiKeys.map(({ name, role, secret }) => ({
      caller: { name, role },
      digest: digestOf(secret),
    }));
  }

  get isEmpty(): boolean {
    return this.keys.length === 0;
  }

  /** The owner of the secret. Takes equally long for every secret: all keys are compared, whichever fits. */
  find(secret: string): Caller | undefined {
    const digest = digestOf(secret);
    let found: Caller | undefined;
    for (const key of this.keys) {
      if (timingSafeEqual(key.digest, digest)) found = key.caller;
    }
    return found;
  }
}

function digestOf(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}
