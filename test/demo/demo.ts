/**
 * The demo: machines of its own, made of network namespaces, each with an Open vSwitch, on one
 * underlay with an etcd; the real executables, run as a runtime and a service manager run them;
 * and what can be seen of it.
 */
import { openLab } from "../lab/lab.ts";
import { type Story, tellStory } from "./story.ts";
import { openTelling } from "./telling.ts";

const coloured = process.stdout.isTTY === true && !process.env.NO_COLOR;
const story: Story = tellStory((text) => void process.stdout.write(text), coloured);

// Before the lab's own handler, which takes away what the story is about.
let interrupted = false;
const interrupt = () => {
  interrupted = true;
};
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, interrupt);
const lab = openLab();
let worked = false;
try {
  const telling = await openTelling(story, lab);
  await telling.containers();
  await telling.traffic();
  await telling.nodesComeAndGo();
  await telling.takeAway();
  worked = story.end();
} catch (error) {
  // Ctrl-C ends the program that is being run as well, and we see that before the signal.
  await new Promise((done) => setTimeout(done, 200));
  if (interrupted) throw error;
  story.seen(
    `the demo went on to its end: ${error instanceof Error ? error.message : error}`,
    false,
  );
  story.end();
} finally {
  await lab.close();
}
if (worked) story.note("Everything that was made for it is gone again.");
process.exitCode = worked ? 0 : 1;
