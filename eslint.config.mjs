import js from '@eslint/js';
import tseslint from 'typescript-eslint';

/** Libraries that only one room may touch; dependency-cruiser says the same of whole files. */
const AMQP = [
  'amqplib',
  'amqplib/*',
  'amqp-connection-manager',
  '@golevelup/nestjs-rabbitmq',
  '@golevelup/*',
];

/** Nothing that arrives from outside may become code, choose a module or switch verification off. */
const NO_CODE_FROM_INPUT = [
  {
    selector: "CallExpression[callee.name='require']:not([arguments.0.type='Literal'])",
    message: 'require() takes a literal: a computed module name lets input choose what code runs.',
  },
  {
    selector: "ImportExpression:not([source.type='Literal'])",
    message: 'import() takes a literal: a computed module name lets input choose what code runs.',
  },
  {
    selector: "Property[key.name='rejectUnauthorized'][value.value=false]",
    message: 'TLS certificates are always verified; trust a private authority with `ca` instead.',
  },
  {
    selector: 'ImportDeclaration[source.value=/^(node:)?vm$/]',
    message: 'node:vm is no sandbox; evaluate data, not code.',
  },
];

const SQL =
  '/^\\s*(select\\s[\\s\\S]+\\sfrom|insert\\s+into|update\\s+\\S+\\s+set|delete\\s+from|with\\s+\\w+\\s+as)\\s/i';

const SQL_ONLY_IN_STORES = ['Literal[value=', 'TemplateElement[value.raw='].map((node) => ({
  selector: `${node}${SQL}]`,
  message: 'SQL lives in *.store.ts, src/database and migrations.',
}));

export default tseslint.config(
  { ignores: ['dist/', 'coverage/', 'node_modules/', '.holdfast/', '**/*.d.ts'] },
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  js.configs.recommended,
  {
    rules: {
      'no-eval': 'error',
      'no-implied-eval': 'error',
      'no-new-func': 'error',
      'no-script-url': 'error',
      'no-restricted-syntax': ['error', ...NO_CODE_FROM_INPUT],
      eqeqeq: ['error', 'always'],
      'no-console': 'error',
      'no-restricted-globals': ['error', { name: 'event', message: 'Name the event you mean.' }],
    },
  },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      // The rules that are reliability here: a lost promise is a lost error, and a new outcome must be handled everywhere.
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/return-await': ['error', 'in-try-catch'],
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true, requireDefaultForNonUnion: true },
      ],
      '@typescript-eslint/consistent-type-imports': [
        'error',
        { fixStyle: 'separate-type-imports', disallowTypeAnnotations: false },
      ],
      // Numbers print as what they are; objects, undefined and booleans in a sentence are mostly mistakes.
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      // Nest modules and marker classes have no members.
      '@typescript-eslint/no-extraneous-class': ['error', { allowWithDecorator: true }],
      // `_` in front says "given, not needed": positions before a parameter that is.
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', varsIgnorePattern: '^_', caughtErrorsIgnorePattern: '^_' },
      ],
      // Nest declares its options as classes, and everybody gives it literals.
      '@typescript-eslint/no-unsafe-class-instance-assignment': 'off',
      // `query<Row>` names its row once: the caller states what the statement returns, as with pg itself.
      '@typescript-eslint/no-unnecessary-type-parameters': 'off',
    },
  },
  {
    files: ['src/**/*.ts'],
    ignores: ['src/broker/**'],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          patterns: [
            {
              group: AMQP,
              message: 'Only src/broker speaks AMQP, types included; ask its module for what you need.',
            },
            { group: ['holdfast'], message: 'The package does not import itself; import the room.' },
          ],
        },
      ],
    },
  },
  {
    files: ['src/**/*.ts'],
    ignores: ['src/config/**', 'src/main.ts', '**/*.spec.ts'],
    rules: {
      'no-restricted-properties': [
        'error',
        {
          object: 'process',
          property: 'env',
          message: 'The environment is read once, validated, in src/config; inject the slice you need.',
        },
      ],
    },
  },
  {
    files: ['src/**/*.ts'],
    // The example domain writes as a user does: its own SQL beside its own handlers.
    ignores: ['src/database/**', '**/*.store.ts', '**/*.spec.ts', 'src/handlers/**'],
    rules: { 'no-restricted-syntax': ['error', ...NO_CODE_FROM_INPUT, ...SQL_ONLY_IN_STORES] },
  },
  {
    files: ['**/*.spec.ts', 'test/**/*.ts', 'bench/**/*.ts', 'examples/**/*.ts'],
    rules: {
      // jest's matchers take methods without calling them.
      '@typescript-eslint/unbound-method': 'off',
      // A handler under test has the signature it must have, awaited or not.
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/no-empty-function': 'off',
      // A test's one-line listener may return what nobody reads.
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      // A test that finds nothing there should fail loudly, and `!` does.
      '@typescript-eslint/no-non-null-assertion': 'off',
      // jest's asymmetric matchers and parsed bodies are `any`.
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
      // Errors and handlers made up for one test need no members.
      '@typescript-eslint/no-extraneous-class': 'off',
    },
  },
  { files: ['bench/**/*.ts', 'examples/**/*.ts'], rules: { 'no-console': 'off' } },
  {
    files: ['**/*.{js,mjs,cjs}'],
    languageOptions: {
      globals: Object.fromEntries(
        [
          'AbortController',
          'AbortSignal',
          'Buffer',
          'URL',
          'URLSearchParams',
          'clearInterval',
          'clearTimeout',
          'console',
          'fetch',
          'performance',
          'process',
          'queueMicrotask',
          'setImmediate',
          'setInterval',
          'setTimeout',
          'structuredClone',
          'TextDecoder',
          'TextEncoder',
        ].map((name) => [name, 'readonly']),
      ),
    },
    rules: { 'no-console': 'off', 'no-unused-vars': ['error', { argsIgnorePattern: '^_' }] },
  },
  {
    files: ['**/*.cjs', '**/*.js'],
    languageOptions: {
      sourceType: 'commonjs',
      globals: { module: 'writable', require: 'readonly', __dirname: 'readonly', __filename: 'readonly' },
    },
  },
);
