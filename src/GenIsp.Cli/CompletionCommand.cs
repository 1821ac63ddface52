using System.CommandLine;

namespace GenIsp.Cli;

internal static class CompletionCommand
{
    // System.CommandLine answers "[suggest:POSITION] LINE" with what may stand there: also with words that have the letters elsewhere
    // than at their start, and with every name of --help.
    private const string Bash =
        """
        _genisp() {
            local line="${COMP_LINE:0:COMP_POINT}" word="${COMP_WORDS[COMP_CWORD]}"
            local IFS=$'\n'
            local offered="$("${COMP_WORDS[0]}" "[suggest:${#line}]" "$line" 2>/dev/null | grep -vxE -e '-[?h]|/[?h]')"
            COMPREPLY=($(compgen -W "$offered" -- "$word"))
            [ ${#COMPREPLY[@]} -gt 0 ] || COMPREPLY=($(compgen -f -- "$word"))
        }
        complete -o filenames -F _genisp genisp ./genisp
        """;

    public static Command Create(Terminal terminal)
    {
        var shell = new Argument<string>("SHELL") { Description = "bash or zsh" };
        shell.AcceptOnlyFromAmong("bash", "zsh");
        var command = new Command("completion", "Prints a script that completes commands and options with the tab key.") { shell }
            .WithExamples("source <(genisp completion bash)", "source <(genisp completion zsh)");
        command.SetAction(parsed =>
        {
            if (parsed.GetValue(shell) == "zsh")
                terminal.Out.WriteLine("autoload -U +X bashcompinit && bashcompinit");
            terminal.Out.WriteLine(Bash);
            return CommandLine.Done;
        });
        return command;
    }
}
