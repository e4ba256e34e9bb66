/** A program that opens a lab with one node, says where it is, and waits to be ended. */
import { openLab } from "./lab.ts";

const lab = openLab();
const node = await lab.startNode();
node.addContainer();
console.log(`ready ${node.netns} ${node.config}`);
setInterval(() => {}, 1_000);
