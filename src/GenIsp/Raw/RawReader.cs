using GenIsp.Geometry;

namespace GenIsp.Raw;

/// <summary>Reads the picture of a Bayer sensor from a camera's RAW file, or from a mosaic with a sidecar.</summary>
public static class RawReader
{
    // What cameras call their RAW files.
    private static readonly HashSet<string> RawExtensions = new(StringComparer.OrdinalIgnoreCase)
    {
        ".3fr", ".arw", ".cr2", ".cr3", ".crw", ".dcr", ".dng", ".erf", ".fff", ".gpr", ".iiq", ".kdc", ".mef", ".mos", ".mrw", ".nef",
        ".nrw", ".orf", ".pef", ".raf", ".raw", ".rw2", ".rwl", ".sr2", ".srf", ".srw", ".x3f", ".bin", ".npy",
    };

    /// <summary>
    /// Reads a file. Where <c>NAME.EXT.json</c> lies beside a <c>.raw</c>, <c>.bin</c>, <c>.png</c> or <c>.npy</c> file, it is a mosaic
    /// that the sidecar describes; everything else goes to LibRaw.
    /// </summary>
    /// <exception cref="GenIspException">
    /// The file is missing, damaged, no RAW file or not of a Bayer sensor; its levels make no sense; or LibRaw is missing.
    /// </exception>
    public static SensorImage Read(string path)
    {
        // To say in words why it can't be read, which LibRaw does not.
        using (var file = InputFiles.Open(path))
        {
            if (file.Length == 0)
                throw new GenIspException($"{path} is empty. If it was copied or downloaded, do that again.");
        }
        return IsMosaic(path) || MustBeMosaic(path) ? MosaicFile.Read(path) : ReadWithLibRaw(path);
    }

    /// <summary>All files that <see cref="Read"/> reads of a picture: its own, and a mosaic's sidecar.</summary>
    internal static IEnumerable<string> FilesOf(string path) => IsMosaic(path) ? [path, MosaicSidecar.PathFor(path)] : [path];

    /// <summary>What reads a picture, and in which version, for it knows cameras of its own.</summary>
    /// <exception cref="GenIspException">LibRaw is needed and missing.</exception>
    internal static string DecoderOf(string path) =>
        IsMosaic(path) || MustBeMosaic(path) ? "mosaic" : $"LibRaw {LibRaw.Instance.Version}";

    /// <summary>Whether the name's ending is that of a RAW file or a bare mosaic.</summary>
    public static bool HasRawExtension(string path) => RawExtensions.Contains(Path.GetExtension(path));

    /// <summary>Whether the file is a mosaic that a sidecar describes.</summary>
    public static bool IsMosaic(string path) => MosaicFile.HasExtension(path) && File.Exists(MosaicSidecar.PathFor(path));

    /// <summary>
    /// Whether the file can be nothing but a mosaic whose sidecar was forgotten. Without this, LibRaw would guess a camera from the size of
    /// a headerless file. Cameras of Panasonic and Leica write containers of the TIFF family with the ending <c>.raw</c>.
    /// </summary>
    private static bool MustBeMosaic(string path)
    {
        switch (Path.GetExtension(path).ToLowerInvariant())
        {
            case ".npy" or ".bin":
                return true;
            case ".png":
                return GrayPng.IsOne(path);
            case ".raw":
                using (var file = InputFiles.Open(path))
                    return (file.ReadByte(), file.ReadByte()) is not (('I', 'I') or ('M', 'M'));
            default:
                return false;
        }
    }

    private static SensorImage ReadWithLibRaw(string path)
    {
        var libRaw = LibRaw.Instance;
        var layout = libRaw.Layout;
        using var handle = libRaw.Open(path);

        var make = handle.ReadText(layout.Idata + LibRawLayout.Make, 64);
        var model = handle.ReadText(layout.Idata + LibRawLayout.Model, 64);
        var (cfa, indices) = ReadPattern(handle, layout, path, $"{make} {model}".Trim());
        int width = handle.Read<ushort>(LibRawLayout.Width), height = handle.Read<ushort>(LibRawLayout.Height);
        var (black, lift) = ReadBlack(handle, layout, cfa, indices);
        var levels = new SensorLevels(
            black[CfaColor.R], black[CfaColor.G1], black[CfaColor.G2], black[CfaColor.B],
            handle.Read<uint>(layout.Color + LibRawLayout.Maximum));
        var mosaic = CopyPixels(handle, layout, path, width, height);
        lift?.Apply(mosaic, width);

        return new SensorImage(path, width, height, mosaic, cfa, levels)
        {
            XyzToCamera = ReadMatrix(handle, layout),
            AsShot = ReadWhiteBalance(handle, layout),
            Orientation = ToOrientation(handle.Read<int>(LibRawLayout.Flip)),
            Capture = new CaptureInfo(
                NullIfEmpty(make), NullIfEmpty(model),
                Known(handle.Read<float>(layout.Other + LibRawLayout.IsoSpeed)),
                Known(handle.Read<float>(layout.Other + LibRawLayout.Shutter))),
        };
    }

    /// <summary>What a file is from, where that is no sensor with a mosaic of 2×2 cells; null where it may be.</summary>
    internal static string? OtherSensor(bool isFoveon, bool hasMosaic, uint filters) =>
        isFoveon ? "from a Foveon sensor"
        : filters == 9 ? "from an X-Trans sensor"
        : !hasMosaic || filters < 1000 ? "no mosaic (LinearRaw, a monochrome sensor, or full colour at each pixel)"
        : null;

    // LibRaw's `filters` packs a pattern of 8 rows and 2 columns, 2 bits a pixel; below 1000 it means something else.
    private static (BayerPattern Cfa, int[] Indices) ReadPattern(LibRaw.Handle handle, LibRawLayout layout, string path, string camera)
    {
        GenIspException NotBayer(string kind) => new(
            $"{path} ({camera}) is {kind}, but GenISP works on Bayer mosaics only.");
        var filters = handle.Read<uint>(layout.Idata + LibRawLayout.Filters);
        var isFoveon = handle.Read<uint>(layout.Idata + LibRawLayout.IsFoveon) != 0;
        var hasMosaic = handle.Read<nint>(layout.RawData + LibRawLayout.RawImage) != 0;
        if (OtherSensor(isFoveon, hasMosaic, filters) is { } kind)
            throw NotBayer(kind);
        var letters = handle.ReadText(layout.Idata + LibRawLayout.ColorLetters, 5);
        int[] indices = [.. Enumerable.Range(0, 4).Select(place => (int)(filters >> (2 * place) & 3))];
        var name = string.Concat(indices.Select(index => index < letters.Length ? letters[index] : '?'));
        if (filters != (filters & 0xff) * 0x01010101u || BayerPattern.Parse(name) is not BayerPattern cfa)
            throw NotBayer($"from a sensor with the colours {letters} in another pattern");
        if (handle.Read<double>(LibRawLayout.PixelAspect) is < 0.99 or > 1.01)
            throw NotBayer("from a sensor with a rotated or stretched grid");
        return (cfa, indices);
    }

    // Black of a pixel = black + cblack[colour] + the pattern cblack[6..], whose rows and columns are cblack[4] and cblack[5].
    private static (Dictionary<CfaColor, double> Black, BlackLift? Lift) ReadBlack(
        LibRaw.Handle handle, LibRawLayout layout, BayerPattern cfa, int[] indices)
    {
        var cblack = handle.Read<uint>(layout.Color + LibRawLayout.CBlack, LibRawLayout.CBlackCount);
        double common = handle.Read<uint>(layout.Color + LibRawLayout.Black);
        var (rows, columns) = ((int)cblack[4], (int)cblack[5]);
        var hasPattern = rows > 0 && columns > 0 && (long)rows * columns <= LibRawLayout.CBlackCount - 6;
        var pattern = hasPattern ? BlackLift.From(cblack.AsSpan(6, rows * columns), rows, columns) : BlackLift.From([0], 1, 1);
        var black = new Dictionary<CfaColor, double>();
        for (var place = 0; place < 4; place++)
        {
            var (x, y) = (place & 1, place >> 1);
            black[cfa.ColorAt(x, y)] = common + (double)cblack[indices[place]] + pattern.BlackAt(x, y);
        }
        return (black, pattern.IsFlat ? null : pattern);
    }

    private static unsafe ushort[] CopyPixels(LibRaw.Handle handle, LibRawLayout layout, string path, int width, int height)
    {
        int top = handle.Read<ushort>(LibRawLayout.TopMargin), left = handle.Read<ushort>(LibRawLayout.LeftMargin);
        var stride = (int)handle.Read<uint>(LibRawLayout.RawPitch) / sizeof(ushort);
        if (width < 2 || height < 2 || left + width > stride || top + height > handle.Read<ushort>(LibRawLayout.RawHeight))
        {
            throw new GenIspException(
                $"{path}: its header says {width}×{height} pixels at ({left}, {top}), which lie outside the "
                + $"{handle.Read<ushort>(LibRawLayout.RawWidth)}×{handle.Read<ushort>(LibRawLayout.RawHeight)} that were read.");
        }
        var source = handle.Read<nint>(layout.RawData + LibRawLayout.RawImage);
        var mosaic = GC.AllocateUninitializedArray<ushort>(width * height);
        for (var y = 0; y < height; y++)
            new ReadOnlySpan<ushort>((ushort*)source + (long)(y + top) * stride + left, width).CopyTo(mosaic.AsSpan(y * width));
        return mosaic;
    }

    // cam_xyz, or where a DNG leaves it zero, the file's own ColorMatrix for the light nearest to D65.
    private static Matrix3? ReadMatrix(LibRaw.Handle handle, LibRawLayout layout)
    {
        var matrix = ToMatrix(handle.Read<float>(layout.Color + layout.CamXyz, 12), 3);
        if (matrix != default(Matrix3))
            return matrix;
        var best = Enumerable.Range(0, 2)
            .Select(i => layout.Color + layout.DngColor + i * LibRawLayout.DngColorSize)
            .Where(at => ToMatrix(handle.Read<float>(at + LibRawLayout.DngMatrix, 12), 3) != default(Matrix3))
            .OrderBy(at => DistanceFromD65(handle.Read<ushort>(at + LibRawLayout.DngIlluminant)))
            .Select(at => (int?)at).FirstOrDefault();
        if (best is not int place)
            return null;
        // DNG specification 1.6, chapter 6: XYZ to camera = AnalogBalance · CameraCalibration · ColorMatrix.
        var calibration = ToMatrix(handle.Read<float>(place + LibRawLayout.DngCalibration, 16), 4);
        var balance = handle.Read<float>(layout.Color + layout.AnalogBalance, 3);
        return (balance.All(value => value > 0) ? Matrix3.Diagonal(new Vector3(balance[0], balance[1], balance[2])) : Matrix3.Identity)
            * (calibration == default ? Matrix3.Identity : calibration)
            * ToMatrix(handle.Read<float>(place + LibRawLayout.DngMatrix, 12), 3);
    }

    // EXIF's LightSource codes: 21 is D65, 20 D55, 22 D75, 1 daylight, 23 D50; 17 is tungsten, and so on.
    private static int DistanceFromD65(ushort illuminant) => illuminant switch
    {
        21 => 0,
        20 or 22 => 1,
        1 or 4 or 9 or 10 => 2,
        23 => 3,
        11 => 4,
        17 or 3 or 24 => 6,
        _ => 5,
    };

    private static Matrix3 ToMatrix(float[] values, int stride)
    {
        double[] Row(int row) => [values[row * stride], values[row * stride + 1], values[row * stride + 2]];
        return Matrix3.FromRows([Row(0), Row(1), Row(2)]);
    }

    private static WhiteBalance? ReadWhiteBalance(LibRaw.Handle handle, LibRawLayout layout)
    {
        var gains = handle.Read<float>(layout.Color + layout.CamMul, 3);
        return gains.All(gain => gain > 0 && float.IsFinite(gain)) ? new WhiteBalance(gains[0] / gains[1], gains[2] / gains[1]) : null;
    }

    // LibRaw's flip: 1 mirrors left to right, 2 top to bottom, 4 at the diagonal before that.
    private static Orientation ToOrientation(int flip) => (flip & 7) switch
    {
        1 => Orientation.MirrorHorizontal,
        2 => Orientation.MirrorVertical,
        3 => Orientation.Rotate180,
        4 => Orientation.Transpose,
        5 => Orientation.Rotate270,
        6 => Orientation.Rotate90,
        7 => Orientation.Transverse,
        _ => Orientation.Upright,
    };

    private static string? NullIfEmpty(string text) => text.Length == 0 ? null : text;

    private static double? Known(float value) => value > 0 && float.IsFinite(value) ? value : null;
}
