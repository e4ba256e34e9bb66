/** How the demo tells what it does: chapters, commands, and what was seen, each true or false. */

const colours = { bold: 1, dim: 2, red: 31, green: 32, cyan: 36 } as const;

export interface Story {
  readonly chapter: (title: string, about: string) => void;
  /** A command as it was run. */
  readonly command: (text: string) => void;
  readonly note: (text: string) => void;
  /** Text as it is: a table, a drawing. */
  readonly show: (text: string) => void;
  /** One thing that had to be seen. */
  readonly seen: (what: string, really: boolean, evidence?: string) => void;
  /** Tells the sum; true if everything was seen. */
  readonly end: () => boolean;
}

export function tellStory(write: (text: string) => void, coloured: boolean): Story {
  const paint = (colour: keyof typeof colours, text: string) =>
    coloured ? `\x1b[${colours[colour]}m${text}\x1b[0m` : text;
  const line = (text = "") => write(`${text}\n`);
  const missed: string[] = [];
  let chapters = 0;
  let seen = 0;
  return {
    chapter: (title, about) => {
      chapters += 1;
      line();
      line(paint("bold", `${chapters}. ${title}`));
      line(paint("dim", `   ${about}`));
      line();
    },
    command: (text) => {
      for (const [index, row] of text.split("\n").entries()) {
        line(`   ${paint("cyan", `${index === 0 ? "$" : " "} ${row}`)}`);
      }
    },
    note: (text) => line(paint("dim", `   ${text}`)),
    show: (text) => {
      for (const row of text.trimEnd().split("\n")) line(`   ${row}`.trimEnd());
    },
    seen: (what, really, evidence = "") => {
      seen += 1;
      if (!really) missed.push(what);
      const mark = really ? paint("green", "✓") : paint("red", "✗");
      line(`   ${mark} ${what}${evidence === "" ? "" : paint("dim", `  (${evidence})`)}`);
    },
    end: () => {
      line();
      if (missed.length === 0) {
        line(paint("green", `${seen} things were shown, and all of them were seen to work.`));
      } else {
        line(paint("red", `${missed.length} of ${seen} things did not work:`));
        for (const what of missed) line(`  - ${what}`);
      }
      return missed.length === 0;
    },
  };
}
