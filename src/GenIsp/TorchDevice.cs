using System.Globalization;
using TorchSharp;
using static TorchSharp.torch;

namespace GenIsp;

/// <summary>Where libtorch computes.</summary>
public static class TorchDevice
{
    /// <summary>
    /// A device by its name, ready for use. With a card, TF32 is off in the whole process from then on, or what is called float32 would be
    /// rounded to 10 bits before convolutions multiply it.
    /// </summary>
    /// <param name="name"><c>cpu</c>; <c>cuda</c>, the first card; or <c>cuda:N</c>, counted from 0.</param>
    /// <exception cref="GenIspException">The name is none of these, or there is no such card.</exception>
    public static Device Of(string name)
    {
        if (name == "cpu")
            return CPU;
        var card = CardOf(name) ?? throw new GenIspException($"The device is \"{name}\", but must be cpu, cuda or cuda:N.");
        var cards = cuda.is_available() ? cuda.device_count() : 0;
        if (cards == 0)
        {
            throw new GenIspException(
                $"The device {name} can't be used: libtorch here was built without CUDA, or the machine has no card that it can use. "
                + "Where there is one, build with -p:TorchBackend=cuda; the device cpu works everywhere.");
        }
        if (card >= cards)
        {
            var known = string.Join(", ", Enumerable.Range(0, cards).Select(i => $"cuda:{i}"));
            throw new GenIspException($"There is no device {name}: this machine's cards are {known}.");
        }
        backends.cudnn.allow_tf32 = false;
        return new Device(DeviceType.CUDA, card);
    }

    /// <summary>Whether it is a name as <see cref="Of"/> takes it, on any machine.</summary>
    public static bool IsName(string name) => name == "cpu" || CardOf(name) is not null;

    private static int? CardOf(string name)
    {
        const string Cuda = "cuda", Numbered = "cuda:";
        if (name == Cuda)
            return 0;
        return name.StartsWith(Numbered, StringComparison.Ordinal)
            && int.TryParse(name.AsSpan(Numbered.Length), NumberStyles.None, CultureInfo.InvariantCulture, out var number)
                ? number
                : null;
    }
}
