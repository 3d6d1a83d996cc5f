const { readConfigFile, sys } = require('typescript');

const { compilerOptions } = readConfigFile(`${__dirname}/tsconfig.json`, (path) => sys.readFile(path)).config;

/** Types are checked by `tsc` in `npm run check`; here files are only translated, which is many times faster. */
const translate = [
  'ts-jest',
  { tsconfig: { ...compilerOptions, isolatedModules: true }, diagnostics: false },
];

const FOLDERS = ['src', 'test', 'chaos', 'bench', 'drawing'];

/** @type {import('jest').Config} */
module.exports = {
  testEnvironment: 'node',
  roots: FOLDERS.map((folder) => `<rootDir>/${folder}`),
  testMatch: FOLDERS.map((folder) => `<rootDir>/${folder}/**/*.spec.ts`),
  transform: { '^.+\\.ts$': translate },
  moduleNameMapper: { '^holdfast$': '<rootDir>/src/index.ts' },
  modulePathIgnorePatterns: ['<rootDir>/dist/', '<rootDir>/.holdfast/'],
  maxWorkers: 2,
  testTimeout: 60_000,
  // A test that leaves a connection or a timer open is a finding; it must not be hidden.
  forceExit: false,
  watchman: false,
};
