using System.CommandLine;

namespace GenIsp.Cli;

internal static class CompletionCommand
{
    // System.CommandLine answers "[suggest:POSITION] LINE" with what may stand there.
    private const string Bash =
        """
        _genisp() {
            local line="${COMP_LINE:0:COMP_POINT}"
            local IFS=$'\n'
            COMPREPLY=($("${COMP_WORDS[0]}" "[suggest:${#line}]" "$line" 2>/dev/null))
            [ ${#COMPREPLY[@]} -gt 0 ] || COMPREPLY=($(compgen -f -- "${COMP_WORDS[COMP_CWORD]}"))
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
