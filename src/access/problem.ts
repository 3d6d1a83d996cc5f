/** One thing that is wrong with a request: where, and what was expected. */
export interface Issue {
  readonly path: string;
  readonly message: string;
}

export interface ProblemOptions extends ErrorOptions {
  readonly issues?: readonly Issue[];
  readonly headers?: Readonly<Record<string, string>>;
}

/** An answer that is not the one asked for, as RFC 9457 words it. `code` is stable: clients may decide by it. */
export class Problem extends Error {
  override readonly name = 'Problem';
  readonly issues: readonly Issue[] | undefined;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    readonly status: number,
    readonly code: string,
    detail: string,
    options: ProblemOptions = {},
  ) {
    super(detail, options);
    this.issues = options.issues;
    this.headers = options.headers ?? {};
  }
}
