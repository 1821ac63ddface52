using GenIsp.Color;
using GenIsp.Raw;

namespace GenIsp.Benchmarks;

/// <summary>A 20-megapixel mosaic to a 1200×800 XYZ image, beside a plain copy of the mosaic's bytes.</summary>
internal static class ColorBenchmark
{
    public static void Run()
    {
        const int Width = 5472, Height = 3648;
        var random = new Random(1);
        var mosaic = new ushort[Width * Height];
        foreach (ref var pixel in mosaic.AsSpan())
            pixel = (ushort)random.Next(700, 2000);
        var camera = KnownCameras.Find("Sony RX100 VII")!;
        var sensor = new SensorImage("random", Width, Height, mosaic, BayerPattern.Rggb, camera.Levels)
        {
            XyzToCamera = camera.XyzToCamera,
        };
        var copy = new ushort[mosaic.Length];

        var (ours, peer) = Comparison.Run(() => LinearPipeline.ToLinear(sensor, new LinearOptions()), () => mosaic.CopyTo(copy, 0));

        string Rate(Timing timing) => $"{2e-6 * mosaic.Length / timing.Median:0.0} GB/s";
        Console.WriteLine($"color: {Width}×{Height} mosaic → 1200×800 XYZ  {ours}, {Rate(ours)} of mosaic");
        Console.WriteLine($"       plain copy of the mosaic, one core     {peer}, {Rate(peer)}; ratio {ours.Median / peer.Median:0.00}");
    }
}
