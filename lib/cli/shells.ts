/**
 * Completion, as shells want it: each script asks `socketplane __complete` what the last word may
 * become. See main.ts for the folder's note.
 */

/** Sources: bash(1), "Programmable Completion". */
export const bash = `# Completion of socketplane, for bash.
_socketplane() {
  local -a lines
  local current=\${COMP_WORDS[COMP_CWORD]}
  mapfile -t lines < <(
    CNI_COMMAND= "\${COMP_WORDS[0]}" __complete "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null
  )
  case \${lines[0]-} in
    :files)
      compopt -o filenames 2>/dev/null
      mapfile -t COMPREPLY < <(compgen -f -- "$current")
      ;;
    :commands) mapfile -t COMPREPLY < <(compgen -c -- "$current") ;;
    *) COMPREPLY=("\${lines[@]%%$'\\t'*}") ;;
  esac
}
complete -F _socketplane socketplane
`;

/** Sources: zshcompsys(1), zshexpn(1). */
export const zsh = `#compdef socketplane
# Completion of socketplane, for zsh.
_socketplane() {
  local -a lines candidates
  local line word
  lines=("\${(@f)$(CNI_COMMAND= "\${words[1]}" __complete "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  case "\${lines[1]}" in
    :files) _files ;;
    :commands) _path_commands ;;
    *)
      for line in "\${lines[@]}"; do
        [[ -n "$line" ]] || continue
        word="\${line%%$'\\t'*}"
        candidates+=("\${word//:/\\\\:}:\${line#*$'\\t'}")
      done
      _describe socketplane candidates
      ;;
  esac
}
if [[ "\${funcstack[1]}" == _socketplane ]]; then
  _socketplane "$@"
else
  compdef _socketplane socketplane
fi
`;

/** Source: complete(1) of fish. */
export const fish = `# Completion of socketplane, for fish.
function __socketplane_complete
    set -l words (commandline -opc) (commandline -ct)
    set -l lines (env CNI_COMMAND= $words[1] __complete $words[2..-1] 2>/dev/null)
    switch "$lines[1]"
        case :files
            __fish_complete_path (commandline -ct)
        case :commands
            __fish_complete_command
        case '*'
            printf '%s\\n' $lines
    end
end
complete -c socketplane -f -a '(__socketplane_complete)'
`;
