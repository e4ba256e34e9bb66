/** The entry of the executables with Node in them: a CommonJS file, which can't wait at its top. */
import { answerVersion } from "./start.ts";

void start();

async function start(): Promise<void> {
  await answerVersion();
  const { main } = await import("#main-node");
  await main();
}
