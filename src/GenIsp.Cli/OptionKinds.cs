using System.CommandLine;
using System.CommandLine.Completions;
using System.Globalization;

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

/// <summary>An option whose value is a number within bounds.</summary>
internal static class NumberOption
{
    /// <param name="name">Such as <c>--score</c>.</param>
    /// <param name="description">For the help.</param>
    /// <param name="helpName">What stands for the number in the help.</param>
    /// <param name="value">The default.</param>
    /// <param name="isValid">Whether a number will do.</param>
    /// <param name="rule">Which numbers will do, such as <c>from 0 to 1</c>.</param>
    public static Option<double> Create(
        string name, string description, string helpName, double value, Func<double, bool> isValid, string rule) => new(name)
        {
            Description = description,
            HelpName = helpName,
            DefaultValueFactory = _ => value,
            CustomParser = result =>
            {
                var text = result.Tokens[0].Value;
                if (double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && isValid(number))
                    return number;
                result.AddError($"{name} is '{text}', but must be a number {rule}.");
                return value;
            },
        };
}

/// <summary>Options that may be given several times.</summary>
internal static class Repeated
{
    /// <summary>Refuses the same value twice.</summary>
    public static Option<string[]> Distinct(this Option<string[]> option)
    {
        option.Validators.Add(result =>
        {
            foreach (var (value, _) in result.Tokens.CountBy(token => token.Value).Where(pair => pair.Value > 1))
                result.AddError($"{option.Name} {value} is given twice.");
        });
        return option;
    }
}

/// <summary>The argument of commands that work on pictures.</summary>
internal static class InputArgument
{
    public static Argument<string[]> Create(string name, string description)
    {
        var argument = new Argument<string[]>(name) { Description = description, Arity = ArgumentArity.OneOrMore };
        // A mistyped option would otherwise be taken for a file.
        argument.Validators.Add(result =>
        {
            foreach (var token in result.Tokens.Where(token => token.Value.StartsWith("--", StringComparison.Ordinal)))
                result.AddError($"The option {token.Value} is unknown.");
        });
        return argument;
    }
}
