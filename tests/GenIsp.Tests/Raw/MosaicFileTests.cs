using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;
using GenIsp.Raw;

namespace GenIsp.Tests.Raw;

public sealed class MosaicFileTests
{
    private const string Sidecar =
        """{"width": 6, "height": 4, "cfa": "GRBG", "black": [10, 11, 12, 13], "white": 4000, "camera": "Nikon D750"}""";

    private readonly string _folder = Directory.CreateTempSubdirectory().FullName;

    private static ushort[] Pixels { get; } = [.. Enumerable.Range(0, 24).Select(i => (ushort)(i * 1000 + 258))];

    [Theory]
    [InlineData("little")]
    [InlineData("big")]
    public void Headerless_pixels_are_read_in_either_byte_order(string endianness)
    {
        var bytes = new byte[48];
        for (var i = 0; i < 24; i++)
        {
            if (endianness == "big")
                BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(2 * i), Pixels[i]);
            else
                BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(2 * i), Pixels[i]);
        }

        var image = Read("frame.bin", bytes, Sidecar.Replace("\"white\"", $"\"endianness\": \"{endianness}\", \"white\""));

        image.Mosaic.ToArray().ShouldBe(Pixels);
        image.Cfa.ShouldBe(BayerPattern.Grbg);
        image.Levels.ShouldBe(new SensorLevels(10, 11, 12, 13, 4000));
        image.XyzToCamera.ShouldBe(KnownCameras.Find("Nikon D750")!.XyzToCamera);
        image.Capture.Make.ShouldBe("Nikon");
        image.Capture.Model.ShouldBe("D750");
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void A_16_bit_gray_PNG_keeps_all_its_bits_with_every_filter(int filter) =>
        Read("frame.png", Png(Pixels, 6, 4, filter), Sidecar).Mosaic.ToArray().ShouldBe(Pixels);

    [Theory]
    [InlineData("<u2")]
    [InlineData(">u2")]
    public void A_NumPy_array_is_read(string type)
    {
        var bytes = new byte[48];
        for (var i = 0; i < 24; i++)
        {
            if (type == "<u2")
                BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(2 * i), Pixels[i]);
            else
                BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(2 * i), Pixels[i]);
        }

        Read("frame.npy", Npy(type, "4, 6", bytes), Sidecar).Mosaic.ToArray().ShouldBe(Pixels);
    }

    [Fact]
    public void A_packed_NumPy_array_is_laid_out_again_in_the_order_of_the_pattern()
    {
        // [2, 3, 4]: cell (1, 0) holds the pixels (2, 0), (3, 0), (2, 1), (3, 1).
        var bytes = new byte[48];
        for (var i = 0; i < 24; i++)
            bytes[2 * i] = (byte)i;

        var image = Read("frame.npy", Npy("<u2", "2, 3, 4", bytes), Sidecar);

        image.Mosaic.Span[2].ShouldBe((ushort)4);
        image.Mosaic.Span[3].ShouldBe((ushort)5);
        image.Mosaic.Span[6 + 2].ShouldBe((ushort)6);
        image.Mosaic.Span[6 + 3].ShouldBe((ushort)7);
    }

    [Fact]
    public void A_symbolic_link_is_followed()
    {
        if (OperatingSystem.IsWindows())
            Assert.Skip("Windows asks for rights to make links.");
        File.WriteAllBytes(Path.Combine(_folder, "real"), new byte[48]);
        File.CreateSymbolicLink(Path.Combine(_folder, "linked.raw"), Path.Combine(_folder, "real"));
        File.WriteAllText(Path.Combine(_folder, "linked.raw.json"), Sidecar);

        RawReader.Read(Path.Combine(_folder, "linked.raw")).Width.ShouldBe(6);
    }

    [Theory]
    [InlineData("\"width\": 6, ", "", "\"width\" is missing")]
    [InlineData("\"cfa\": \"GRBG\", ", "", "\"cfa\" is missing")]
    [InlineData("4000", "13", "\"white\" is 13, but must be above every black (13)")]
    [InlineData("[10, 11, 12, 13], \"white\": 4000", "20000", "\"black\" is 20000, but must be below white (15520)")]
    [InlineData("GRBG", "XTRANS", "one of RGGB, GRBG, GBRG, BGGR")]
    [InlineData("Nikon D750", "Nikon F3", "\"Sony RX100 VII\", \"Nikon D750\"")]
    [InlineData("[10, 11, 12, 13]", "[10, 11]", "one number or [r, g1, g2, b]")]
    [InlineData("\"height\": 4", "\"height\": 400000000", "megapixels")]
    [InlineData("\"height\": 4", "\"height\": \"tall\"", "\"height\" is \"tall\", but must be a whole number")]
    [InlineData("\"height\": 4", "\"height\": 5", "has 48 bytes, but 6×5 pixels of 16 bits are 60")]
    [InlineData("\"cfa\"", "\"cfa\": \"GRBG\", \"pattern\"", "the key \"pattern\" is unknown")]
    [InlineData("4000", "70000", "\"white\" is 70000")]
    [InlineData("[10, 11, 12, 13]", "-1e999", "one number or [r, g1, g2, b]")]
    [InlineData("\"camera\": \"Nikon D750\"", "\"xyz_to_camera\": [[0,0,0],[0,0,0],[0,0,0]]", "neither zero nor singular")]
    [InlineData("\"camera\": \"Nikon D750\"", "\"xyz_to_camera\": [[1,0],[0,1]]", "3 rows of 3 numbers")]
    [InlineData("\"camera\"", "\"endianness\": \"middle\", \"camera\"", "\"little\" or \"big\"")]
    [InlineData("\"camera\"", "\"white_balance\": [2, 0, 1], \"camera\"", "gains of red, green and blue")]
    [InlineData("}", "", "is not JSON")]
    public void A_wrong_sidecar_is_refused_with_its_key(string old, string changed, string reason)
    {
        var error = Should.Throw<GenIspException>(() => Read("frame.raw", new byte[48], Sidecar.Replace(old, changed)));

        error.Message.ShouldContain(reason);
        error.Message.ShouldContain("frame.raw");
    }

    [Fact]
    public void A_forgotten_sidecar_is_asked_for_with_an_example()
    {
        var path = Path.Combine(_folder, "alone.raw");
        File.WriteAllBytes(path, new byte[48]);

        Should.Throw<GenIspException>(() => RawReader.Read(path))
            .Message.ShouldContain("alone.raw.json must describe it, such as {\"width\"");
    }

    [Fact]
    public void A_PNG_or_array_of_another_size_than_its_sidecar_is_refused()
    {
        Should.Throw<GenIspException>(() => Read("frame.png", Png(Pixels, 4, 6, 0), Sidecar)).Message.ShouldContain("says 6×4");
        Should.Throw<GenIspException>(() => Read("frame.npy", Npy("<u2", "6, 4", new byte[48]), Sidecar)).Message
            .ShouldContain("an array of shape (6, 4), but");
    }

    [Fact]
    public void A_size_that_the_file_tells_itself_may_be_left_out()
    {
        var sidecar = Sidecar.Replace("\"width\": 6, \"height\": 4, ", "");
        (int, int) SizeOf(string name, byte[] file) => Read(name, file, sidecar) is var image ? (image.Width, image.Height) : default;

        SizeOf("frame.png", Png(Pixels, 6, 4, 0)).ShouldBe((6, 4));
        SizeOf("frame.npy", Npy("<u2", "4, 6", new byte[48])).ShouldBe((6, 4));
        SizeOf("packed.npy", Npy("<u2", "2, 3, 4", new byte[48])).ShouldBe((6, 4));
        Should.Throw<GenIspException>(() => Read("frame.raw", new byte[48], sidecar)).Message.ShouldContain("\"width\" is missing");
        Should.Throw<GenIspException>(() => Read("half.npy", Npy("<u2", "4, 6", new byte[48]), Sidecar.Replace("\"height\": 4, ", "")))
            .Message.ShouldContain("\"height\" is missing");
    }

    [Theory]
    [InlineData("24", "its shape is (24), but must be [H, W], or packed [H/2, W/2, 4]")]
    [InlineData("2, 2, 6", "its shape is (2, 2, 6)")]
    [InlineData("24, 1", "sides of at least 2 pixels")]
    [InlineData("2147483647, 2147483647, 4", "at most 500 megapixels")]
    [InlineData("4, 7", "it holds 48 bytes of pixels instead of 56")]
    public void An_array_of_a_shape_that_no_mosaic_has_is_refused(string shape, string reason) =>
        Should.Throw<GenIspException>(() => Read(
            "frame.npy", Npy("<u2", shape, new byte[48]), Sidecar.Replace("\"width\": 6, \"height\": 4, ", ""))).Message
            .ShouldContain(reason);

    [Theory]
    [InlineData(8, 0, "bits")]
    [InlineData(16, 2, "colour type 2")]
    public void A_PNG_of_another_kind_is_refused(int bits, int colorType, string reason)
    {
        var png = Png(Pixels, 6, 4, 0);
        (png[24], png[25]) = ((byte)bits, (byte)colorType);

        Should.Throw<GenIspException>(() => Read("frame.png", png, Sidecar)).Message.ShouldContain(reason);
    }

    [Theory]
    [InlineData("frame.png")]
    [InlineData("frame.npy")]
    public void Truncated_or_damaged_files_are_refused_and_nothing_else_is_thrown(string name)
    {
        var whole = name == "frame.png" ? Png(Pixels, 6, 4, 4) : Npy("<u2", "4, 6", new byte[48]);
        for (var length = 0; length < whole.Length - 12; length++) // a PNG's last 12 bytes are only its end mark
            Should.Throw<GenIspException>(() => Read(name, whole[..length], Sidecar), $"{length} bytes");
        var random = new Random(3);
        for (var round = 0; round < 300; round++)
        {
            var damaged = whole.ToArray();
            damaged[random.Next(damaged.Length)] = (byte)random.Next(256);
            try
            {
                Read(name, damaged, Sidecar);
            }
            catch (GenIspException)
            {
            }
        }
    }

    // The sums are NumPy's.
    [Theory]
    [InlineData("DSC_1339_768x512_rggb_u16le_14bit.raw", """{"width":768,"height":512,"cfa":"RGGB","camera":"Nikon D750"}""", 665_782_065)]
    [InlineData(
        "NIGHT_vivoX90_x90_3_4_512x512x4_u16.npy",
        """{"width":1024,"height":1024,"cfa":"RGGB","black":0,"white":4095,"camera":"Nikon D750"}""", 649_964_893)]
    [InlineData(
        "halide_bayer_small_16bit.png",
        """{"width":256,"height":344,"cfa":"GRBG","black":0,"white":1023,"camera":"Nikon D750"}""", 15_934_480)]
    public void Real_mosaics_are_read_to_the_last_bit(string name, string sidecar, long sum) =>
        Read(name, File.ReadAllBytes(SharedData.Path("raw/" + name)), sidecar).Mosaic.ToArray().Sum(pixel => (long)pixel).ShouldBe(sum);

    private SensorImage Read(string name, byte[] content, string sidecar)
    {
        var path = Path.Combine(_folder, name);
        File.WriteAllBytes(path, content);
        File.WriteAllText(path + ".json", sidecar);
        return RawReader.Read(path);
    }

    private static byte[] Npy(string type, string shape, byte[] data)
    {
        var header = $"{{'descr': '{type}', 'fortran_order': False, 'shape': ({shape}), }}\n";
        return [0x93, .. "NUMPY"u8, 1, 0, (byte)header.Length, 0, .. Encoding.ASCII.GetBytes(header), .. data];
    }

    // The filters of the PNG standard, forward: what the reader must undo.
    private static byte[] Png(ushort[] pixels, int width, int height, int filter)
    {
        var rows = new MemoryStream();
        byte At(int x, int y) => x < 0 || y < 0 ? (byte)0 : (byte)(pixels[y * width + x / 2] >> (x % 2 == 0 ? 8 : 0));
        for (var y = 0; y < height; y++)
        {
            rows.WriteByte((byte)filter);
            for (var x = 0; x < 2 * width; x++)
            {
                int left = At(x - 2, y), up = At(x, y - 1), corner = x < 2 ? 0 : At(x - 2, y - 1);
                var estimate = left + up - corner;
                var nearest = new[] { left, up, corner }.MinBy(value => Math.Abs(estimate - value));
                rows.WriteByte((byte)(At(x, y) - filter switch { 1 => left, 2 => up, 3 => (left + up) / 2, 4 => nearest, _ => 0 }));
            }
        }
        var compressed = new MemoryStream();
        using (var zlib = new ZLibStream(compressed, CompressionLevel.Optimal, leaveOpen: true))
            zlib.Write(rows.ToArray());
        var file = new MemoryStream();
        file.Write([0x89, (byte)'P', (byte)'N', (byte)'G', 13, 10, 26, 10]);
        void Chunk(string type, byte[] body)
        {
            Span<byte> number = stackalloc byte[4];
            BinaryPrimitives.WriteInt32BigEndian(number, body.Length);
            file.Write(number);
            file.Write(Encoding.ASCII.GetBytes(type));
            file.Write(body);
            file.Write(new byte[4]); // the checksum, which the reader leaves to zlib
        }
        Chunk("IHDR", [0, 0, 0, (byte)width, 0, 0, 0, (byte)height, 16, 0, 0, 0, 0]);
        Chunk("IDAT", compressed.ToArray());
        Chunk("IEND", []);
        return file.ToArray();
    }
}
