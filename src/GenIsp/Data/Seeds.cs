using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace GenIsp.Data;

/// <summary>Seeds made from one seed and names.</summary>
public static class Seeds
{
    /// <summary>
    /// A seed for one purpose: the same for the same seed and names on every machine and in every version, and unrelated to all others.
    /// </summary>
    /// <param name="seed">The seed of the whole run.</param>
    /// <param name="names">What it is for, such as a file's name, <c>noise</c>, and the epoch.</param>
    public static ulong Derive(long seed, params IEnumerable<string> names)
    {
        var text = string.Join('\0', names.Prepend(seed.ToString(CultureInfo.InvariantCulture)));
        return BinaryPrimitives.ReadUInt64LittleEndian(SHA256.HashData(Encoding.UTF8.GetBytes(text)));
    }
}
