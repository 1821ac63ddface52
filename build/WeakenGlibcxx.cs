#if !TESTS
using System;
using System.IO;
#endif
using System.Text;

namespace GenIsp.Build;

/// <summary>Edits what an ELF library demands of the libraries it is linked to (its <c>.gnu.version_r</c> section).</summary>
public static class ElfVersionNeeds
{
    private const int VersionNeeds = 0x6ffffffe; // SHT_GNU_verneed
    private const ushort Weak = 2; // VER_FLG_WEAK

    /// <summary>Marks the need for <paramref name="version"/> as weak: the loader then goes on where it is missing.</summary>
    /// <returns>How many entries name that version.</returns>
    /// <param name="elf">A whole 64-bit little-endian ELF file, changed in place.</param>
    /// <param name="version">A symbol version such as <c>GLIBCXX_3.4.32</c>.</param>
    public static int Weaken(byte[] elf, string version)
    {
        int found = 0;
        foreach (int entry in Entries(elf, version))
        {
            elf[entry + 4] |= (byte)Weak; // vna_flags
            found++;
        }
        return found;
    }

    /// <summary>Whether every need for <paramref name="version"/> is weak.</summary>
    public static bool IsWeak(byte[] elf, string version)
    {
        foreach (int entry in Entries(elf, version))
        {
            if ((BitConverter.ToUInt16(elf, entry + 4) & Weak) == 0)
                return false;
        }
        return true;
    }

    // Offsets of the Elf64_Vernaux records (hash, flags, other, name, next) whose name is the version.
    private static System.Collections.Generic.IEnumerable<int> Entries(byte[] elf, string version)
    {
        if (elf.Length < 64 || elf[0] != 0x7f || elf[1] != 'E' || elf[2] != 'L' || elf[3] != 'F' || elf[4] != 2 || elf[5] != 1)
            throw new InvalidDataException("not a 64-bit little-endian ELF file");
        int sections = (int)BitConverter.ToInt64(elf, 0x28);
        int sectionSize = BitConverter.ToUInt16(elf, 0x3a);
        int sectionCount = BitConverter.ToUInt16(elf, 0x3c);
        for (int s = 0; s < sectionCount; s++)
        {
            int header = sections + s * sectionSize;
            if (BitConverter.ToInt32(elf, header + 4) != VersionNeeds)
                continue;
            int strings = (int)BitConverter.ToInt64(elf, sections + BitConverter.ToInt32(elf, header + 0x28) * sectionSize + 0x18);
            int need = (int)BitConverter.ToInt64(elf, header + 0x18);
            for (int n = BitConverter.ToInt32(elf, header + 0x2c); n > 0; n--) // sh_info: how many libraries
            {
                int entry = need + BitConverter.ToInt32(elf, need + 8); // vn_aux
                for (int k = BitConverter.ToUInt16(elf, need + 2); k > 0; k--) // vn_cnt
                {
                    if (TextAt(elf, strings + BitConverter.ToInt32(elf, entry + 8)) == version)
                        yield return entry;
                    entry += BitConverter.ToInt32(elf, entry + 12); // vna_next
                }
                need += BitConverter.ToInt32(elf, need + 12); // vn_next
            }
        }
    }

    private static string TextAt(byte[] elf, int offset)
    {
        int end = Array.IndexOf(elf, (byte)0, offset);
        return Encoding.ASCII.GetString(elf, offset, end - offset);
    }
}

#if !TESTS
/// <summary>
/// The build step: writes a copy of <see cref="Source"/> to <see cref="Destination"/> that asks weakly for <see cref="Version"/>.
/// </summary>
public sealed class WeakenGlibcxx : Microsoft.Build.Utilities.Task
{
    [Microsoft.Build.Framework.Required]
    public string Source { get; set; }

    [Microsoft.Build.Framework.Required]
    public string Destination { get; set; }

    [Microsoft.Build.Framework.Required]
    public string Version { get; set; }

    public override bool Execute()
    {
        byte[] elf = File.ReadAllBytes(Source);
        int found = ElfVersionNeeds.Weaken(elf, Version);
        Log.LogMessage("{0}: {1} needs of {2} made weak", Source, found, Version);
        Directory.CreateDirectory(Path.GetDirectoryName(Destination));
        File.WriteAllBytes(Destination, elf);
        return true;
    }
}
#endif
