export interface Issue {
  /** `items[2].price`; empty where the message as a whole is meant. */
  readonly path: string;
  readonly message: string;
}

export type Validation =
  | { readonly ok: true; readonly value: unknown }
  /** `cause`: what the schema threw instead of answering. */
  | { readonly ok: false; readonly issues: readonly Issue[]; readonly cause?: unknown };
