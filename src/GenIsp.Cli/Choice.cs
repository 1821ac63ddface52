using System.CommandLine;
using System.CommandLine.Completions;

namespace GenIsp.Cli;

/// <summary>An option whose value is one of a few words.</summary>
internal static class Choice
{
    /// <summary>Without a default, the option's value is null where it is not given.</summary>
    public static Option<T?> Optional<T>(string name, string description, params (string Word, T Value)[] choices)
        where T : struct
    {
        var option = new Option<T?>(name)
        {
            Description = description,
            HelpName = string.Join('|', choices.Select(choice => choice.Word)),
            CustomParser = result =>
            {
                var word = result.Tokens[0].Value;
                foreach (var choice in choices)
                {
                    if (choice.Word.Equals(word, StringComparison.OrdinalIgnoreCase))
                        return choice.Value;
                }
                result.AddError($"{name} is '{word}', but must be {string.Join(", ", choices.SkipLast(1).Select(choice => choice.Word))}"
                    + $" or {choices[^1].Word}.");
                return null;
            },
        };
        option.CompletionSources.Clear();
        option.CompletionSources.Add(_ => choices.Select(choice => new CompletionItem(choice.Word)));
        return option;
    }
}
