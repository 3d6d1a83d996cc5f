import { join } from 'node:path';
import * as ts from 'typescript';
import { blocks, pages, root } from './pages';

/** What a sample may use that does not begin with its own imports. */
const PRELUDE = `
import 'reflect-metadata';
import {
  Controller, Get, Injectable, Module, ServiceUnavailableException, type INestApplication, type OnModuleInit,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { EventPattern } from '@nestjs/microservices';
import * as holdfast from 'holdfast';
import {
  Consumers, Discard, EventBus, exponential, HOLDFAST, HoldfastModule, HoldfastStrategy, MessageMiddleware, ObservabilityModule, PermanentError,
  ReliableBatchConsumer, ReliableConsumer, RetryLater, type BatchContext, type BatchResult, type MessageContext, type MiddlewareContext,
  type MiddlewareHandler, type Next,
} from 'holdfast';
declare const app: INestApplication;
declare const ctx: MessageContext;
declare const order: { id: string };
declare class OrderHandlers {}
declare class PricingModule {}
declare function count(queue: string, outcome: string, ms: number): void;
`;

/** Samples by file: each that has imports is one, the others of a page belong together. */
function files(): Map<string, string> {
  const all = new Map<string, string>();
  for (const { path, text } of pages()) {
    const name = join(root, 'test', 'docs', path.replaceAll(/\W/g, '-'));
    const samples = blocks(text, 'ts');
    const fragments = samples.filter((code) => !code.startsWith('import'));
    for (const [i, code] of samples.filter((sample) => sample.startsWith('import')).entries()) {
      all.set(`${name}-${i}.ts`, `${code}\nexport {};\n`);
    }
    if (fragments.length > 0) all.set(`${name}.ts`, `${PRELUDE}\n${fragments.join('\n')}\nexport {};\n`);
  }
  return all;
}

describe('the samples of the documentation', () => {
  it('compile', () => {
    const samples = files();
    const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), (path) => ts.sys.readFile(path));
    const { options } = ts.parseJsonConfigFileContent(config, { ...ts.sys, readDirectory: () => [] }, root);
    const host = ts.createCompilerHost(options);
    const { readFile, fileExists } = host;
    host.readFile = (path) => samples.get(path) ?? readFile.call(host, path);
    host.fileExists = (path) => samples.has(path) || fileExists.call(host, path);
    host.getSourceFile = (path, languageVersion) => {
      const text = host.readFile(path);
      return text === undefined ? undefined : ts.createSourceFile(path, text, languageVersion);
    };
    const program = ts.createProgram(
      [...samples.keys()],
      {
        ...options,
        // Samples stand for files whose other parts are not shown, and wait where a function would.
        noUnusedLocals: false,
        noUnusedParameters: false,
        module: ts.ModuleKind.ES2022,
        incremental: false,
        noEmit: true,
      },
      host,
    );
    const problems = [...samples.keys()].flatMap((path) => {
      const file = program.getSourceFile(path);
      return [...program.getSemanticDiagnostics(file), ...program.getSyntacticDiagnostics(file)].map(
        (problem) => {
          const line = file?.getLineAndCharacterOfPosition(problem.start ?? 0).line ?? 0;
          const code = samples.get(path)?.split('\n')[line]?.trim() ?? '';
          return `${path}: ${code}: ${ts.flattenDiagnosticMessageText(problem.messageText, ' ')}`;
        },
      );
    });
    expect(problems).toEqual([]);
    expect(samples.size).toBeGreaterThan(5);
  });
});
