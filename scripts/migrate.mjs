import { runMain } from './setup/failure.mjs';
import { prepareService, runProgram } from './setup/service.mjs';

/* `npm run migrate`: the set-up step, then the migrations alone, as a deployment does before its pods start. */

runMain(async () => {
  process.exitCode = await runProgram('migrate.js', await prepareService());
});
