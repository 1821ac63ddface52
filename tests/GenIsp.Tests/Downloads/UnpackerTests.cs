using System.Formats.Tar;
using System.IO.Compression;
using System.Text;
using GenIsp.Downloads;

namespace GenIsp.Tests.Downloads;

/// <summary>Archives, honest and hostile.</summary>
public sealed class UnpackerTests : IDisposable
{
    private static readonly byte[] Photo = [.. Enumerable.Range(0, 200_000).Select(i => (byte)(i * i / 251))];

    private readonly TemporaryFolder _folder = new();

    private string Archive => _folder["archive"];

    private string Target => _folder["data"];

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("zip")]
    [InlineData("tar")]
    [InlineData("tar.gz")]
    public void An_archive_becomes_its_files(string format)
    {
        File.WriteAllBytes(Archive, Packed(format, ("raw/", []), ("raw/DSC_0001.NEF", Photo), ("./notes.txt", "night"u8.ToArray())));

        var result = Unpack();

        (result.Written, result.Kept, result.Bytes).ShouldBe((2, 0, Photo.Length + 5));
        File.ReadAllBytes(Path.Combine(Target, "raw", "DSC_0001.NEF")).ShouldBe(Photo);
        File.ReadAllText(Path.Combine(Target, "notes.txt")).ShouldBe("night");
        Directory.GetFiles(Target, "*", SearchOption.AllDirectories).Length.ShouldBe(2);
    }

    [Theory]
    [InlineData("zip")]
    [InlineData("tar.gz")]
    public void A_run_that_was_interrupted_can_be_repeated(string format)
    {
        File.WriteAllBytes(Archive, Packed(format, ("a.raw", Photo), ("b.raw", Photo)));
        using var cancellation = new CancellationTokenSource();
        var progress = new Told(() =>
        {
            if (File.Exists(Path.Combine(Target, "a.raw")))
                cancellation.Cancel();
        });
        Should.Throw<OperationCanceledException>(() => Unpacker.Unpack(Archive, Target, progress, cancellation.Token));
        Directory.GetFiles(Target).Select(Path.GetFileName).ShouldBe(["a.raw"]);

        var result = Unpack();

        (result.Written, result.Kept).ShouldBe((1, 1));
        File.ReadAllBytes(Path.Combine(Target, "b.raw")).ShouldBe(Photo);
    }

    [Theory]
    [InlineData("other")]
    [InlineData("nighd")]
    public void A_file_with_another_content_is_never_overwritten(string mine)
    {
        Directory.CreateDirectory(Target);
        File.WriteAllText(Path.Combine(Target, "notes.txt"), mine);
        File.WriteAllBytes(Archive, Packed("zip", ("notes.txt", "night"u8.ToArray())));

        Error().ShouldContain("is there already, with another content");

        File.ReadAllText(Path.Combine(Target, "notes.txt")).ShouldBe(mine);
    }

    [Theory]
    [InlineData("../out.txt")]
    [InlineData("a/../../out.txt")]
    [InlineData("/out.txt")]
    [InlineData("..\\out.txt")]
    [InlineData("\\\\server\\share\\out.txt")]
    [InlineData("C:\\out.txt")]
    [InlineData("c:/out.txt")]
    public void Paths_that_climb_out_are_refused(string name)
    {
        foreach (var format in new[] { "zip", "tar" })
        {
            File.WriteAllBytes(Archive, Packed(format, (name, [1])));
            Error().ShouldContain("leads out of the folder");
        }
        Directory.GetFileSystemEntries(Target).ShouldBeEmpty();
        Directory.GetFileSystemEntries(_folder.Root).Order().ShouldBe([Archive, Target]);
    }

    [Fact]
    public void A_zip_with_one_bad_name_writes_nothing()
    {
        File.WriteAllBytes(Archive, Packed("zip", ("good.txt", [1]), ("../bad\u0007.txt", [1])));

        Error().ShouldContain("\"../bad?.txt\" in it leads out of the folder");

        Directory.GetFileSystemEntries(Target).ShouldBeEmpty();
    }

    [Fact]
    public void Links_are_not_made_so_that_nothing_can_be_written_through_them()
    {
        using (var tar = new TarWriter(File.Create(Archive)))
        {
            tar.WriteEntry(new PaxTarEntry(TarEntryType.SymbolicLink, "way") { LinkName = _folder.Root });
            tar.WriteEntry(new PaxTarEntry(TarEntryType.HardLink, "hard") { LinkName = "/etc/passwd" });
            tar.WriteEntry(new PaxTarEntry(TarEntryType.RegularFile, "way/out.txt") { DataStream = new MemoryStream([1]) });
        }

        var result = Unpack();

        result.LeftOut.ShouldBe(["way", "hard"]);
        File.Exists(_folder["out.txt"]).ShouldBeFalse();
        File.Exists(Path.Combine(Target, "way", "out.txt")).ShouldBeTrue();
    }

    [Fact]
    public void Links_in_a_zip_are_not_made_either()
    {
        using (var zip = ZipFile.Open(Archive, ZipArchiveMode.Create))
        {
            var link = zip.CreateEntry("way");
            link.ExternalAttributes = 0xa1ff << 16;
            using var content = link.Open();
            content.Write("/etc"u8);
        }

        Unpack().LeftOut.ShouldBe(["way"]);

        Directory.GetFileSystemEntries(Target).ShouldBeEmpty();
    }

    [Theory]
    [InlineData("zip")]
    [InlineData("tar.gz")]
    public void A_bomb_is_found_before_it_fills_the_disk(string format)
    {
        File.WriteAllBytes(Archive, Packed(format, ("zeros", new byte[150_000_000])));

        Error().ShouldContain("an attack on the disk");

        Directory.GetFileSystemEntries(Target).ShouldBeEmpty();
    }

    [Fact]
    public void A_zip_that_hides_how_large_it_gets_is_refused()
    {
        var bytes = Packed("zip", ("zeros", new byte[1_000_000]));
        foreach (var place in PlacesOf(bytes, BitConverter.GetBytes(1_000_000)))
            BitConverter.GetBytes(10).CopyTo(bytes, place);
        File.WriteAllBytes(Archive, bytes);

        Error().ShouldContain("damaged");

        Directory.GetFileSystemEntries(Target).ShouldBeEmpty();
    }

    [Theory]
    [InlineData("zip")]
    [InlineData("tar")]
    [InlineData("tar.gz")]
    public void What_is_cut_off_is_refused_and_no_half_file_stays(string format)
    {
        File.WriteAllBytes(Archive, Packed(format, ("a.raw", Photo))[..^(format == "tar" ? 50_000 : 500)]);

        Error().ShouldContain("damaged or cut off");

        (Directory.Exists(Target) ? Directory.GetFileSystemEntries(Target) : []).ShouldBeEmpty();
    }

    [Theory]
    [InlineData("zip")]
    [InlineData("tar.gz")]
    public void A_wrong_bit_is_noticed(string format)
    {
        // Stored as they are, so that the format itself stays right.
        var bytes = Packed(format, CompressionLevel.NoCompression, ("a.raw", Photo));
        bytes[100_000] ^= 1;
        File.WriteAllBytes(Archive, bytes);

        Error().ShouldContain("damaged");
    }

    [Fact]
    public void An_encrypted_zip_is_named()
    {
        var bytes = Packed("zip", ("a.raw", Photo));
        bytes[6] |= 1;
        bytes[PlacesOf(bytes, "PK\x01\x02"u8.ToArray())[0] + 8] |= 1;
        File.WriteAllBytes(Archive, bytes);

        Error().ShouldContain("a.raw is encrypted");
    }

    [Theory]
    [InlineData("<!DOCTYPE html><title>Sign in</title>", "is a web page, which a download gave instead of the archive")]
    [InlineData("7z\u00bc\u00af", "is no zip, tar or tar.gz")]
    [InlineData("", "is no zip, tar or tar.gz")]
    public void Other_files_are_told_apart(string content, string message)
    {
        File.WriteAllText(Archive, content, Encoding.Latin1);

        Error().ShouldContain(message);

        Directory.Exists(Target).ShouldBeFalse();
    }

    [Fact]
    public void A_target_that_is_a_file_is_an_error()
    {
        File.WriteAllBytes(Archive, Packed("zip", ("a.raw", Photo)));
        File.WriteAllText(Target, "mine");

        Error().ShouldContain("can't be unpacked to");
    }

    private string Error() => Should.Throw<GenIspException>(() => Unpack()).Message;

    private static byte[] Packed(string format, params (string Name, byte[] Content)[] files) =>
        Packed(format, CompressionLevel.Optimal, files);

    private static byte[] Packed(string format, CompressionLevel level, params (string Name, byte[] Content)[] files)
    {
        using var packed = new MemoryStream();
        if (format == "zip")
        {
            using (var zip = new ZipArchive(packed, ZipArchiveMode.Create, leaveOpen: true))
            {
                foreach (var (name, content) in files)
                {
                    using var stream = zip.CreateEntry(name, level).Open();
                    stream.Write(content);
                }
            }
            return packed.ToArray();
        }
        using (var outer = format == "tar" ? (Stream)packed : new GZipStream(packed, level, leaveOpen: true))
        {
            using var tar = new TarWriter(outer, TarEntryFormat.Ustar, leaveOpen: true);
            foreach (var (name, content) in files)
            {
                tar.WriteEntry(name.EndsWith('/')
                    ? new UstarTarEntry(TarEntryType.Directory, name)
                    : new UstarTarEntry(TarEntryType.RegularFile, name) { DataStream = new MemoryStream(content) });
            }
        }
        return packed.ToArray();
    }

    private static List<int> PlacesOf(byte[] bytes, byte[] part) =>
        [.. Enumerable.Range(0, bytes.Length - part.Length).Where(place => bytes.AsSpan(place, part.Length).SequenceEqual(part))];

    private sealed class Told(Action tell) : IProgress<(long Done, long Total)>
    {
        public void Report((long Done, long Total) value) => tell();
    }

    private UnpackResult Unpack() => Unpacker.Unpack(Archive, Target, cancellation: TestContext.Current.CancellationToken);
}
