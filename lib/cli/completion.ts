/** `socketplane completion`: words are completed with Tab. See main.ts for the folder's note. */
import { command, type Group } from "./command.ts";
import { bash, fish, zsh } from "./shells.ts";

const shell = (name: string, script: string, about: string, line: string, what: string) =>
  command({
    name,
    describe: `Print a script for ${name}`,
    about,
    examples: [[line, what]],
    run: async ({ terminal }) => terminal.stdout(script),
  });

export const completionGroup: Group = {
  name: "completion",
  describe: "Print a script that completes words with Tab",
  about:
    "Print a script that completes words with Tab: commands, options, and the names of networks, nodes and containers, as far as this machine knows them. It never waits for the store.",
  commands: [
    shell(
      "bash",
      bash,
      "Print a script for bash. To have it always, write it where bash-completion looks.",
      "socketplane completion bash > /etc/bash_completion.d/socketplane",
      "Or, for oneself: source <(socketplane completion bash) in ~/.bashrc",
    ),
    shell(
      "zsh",
      zsh,
      "Print a script for zsh. To have it always, write it to a folder of $fpath; what is read in ~/.zshrc comes after compinit.",
      "socketplane completion zsh > /usr/local/share/zsh/site-functions/_socketplane",
      "Or, for oneself: source <(socketplane completion zsh) in ~/.zshrc",
    ),
    shell(
      "fish",
      fish,
      "Print a script for fish. To have it always, write it where fish looks.",
      "socketplane completion fish > /etc/fish/completions/socketplane.fish",
      "Or, for oneself: into ~/.config/fish/completions",
    ),
  ],
  examples: [["source <(socketplane completion bash)", "In this shell, from now on"]],
};
