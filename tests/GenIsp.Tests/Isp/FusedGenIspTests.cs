using System.Runtime.Intrinsics;
using CsCheck;
using GenIsp.Color;
using GenIsp.Geometry;
using GenIsp.Isp;
using GenIsp.Isp.Fused;
using GenIsp.Raw;
using GenIsp.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace GenIsp.Tests.Isp;

public sealed class FusedGenIspTests : IDisposable
{
    // Of the output's range, against the same network in float64. libtorch in float32 is farther away: its biases before InstanceNorm
    // cost digits in the dark.
    private const double Tolerance = 2e-5;

    private readonly DisposeScope _scope = NewDisposeScope();

    public void Dispose() => _scope.Dispose();

    [Theory]
    [InlineData(1, 2)]
    [InlineData(3, 5)]
    [InlineData(1, 70)]
    [InlineData(300, 1)]
    [InlineData(48, 16)] // one block
    [InlineData(49, 17)]
    [InlineData(1200, 800)]
    public void Equals_the_model_at_any_size(int width, int height) =>
        ShouldEqualTheModel(new GenIspOptions(), RandomImage(width, height, 0.3f));

    [Fact]
    public void A_networks_input_is_made_as_it_was_trained()
    {
        using var shipped = IspFile.Load(IspFile.Shipped);
        shipped.Input.ShouldBe(new LinearOptions { MaxSize = new SizeLimit(416, 416), Antialias = true });
        using var plain = new GenIspModel(new GenIspOptions { Cst = CstDirection.Direct });
        plain.Input.ShouldBe(new LinearOptions { Cst = CstDirection.Direct });
        using IIsp classical = new ClassicalIsp();
        classical.Input.ShouldBe(new LinearOptions());
    }

    [Fact]
    public void Equals_the_model_with_any_options()
    {
        var pool = Gen.Int[1, 6];
        Gen.Select(
                Gen.Enum<FeatureNormalization>(), Gen.Bool, Gen.Select(pool, pool, pool), OneOf(0, 0.01, 0.3, 1, 1.5, -0.2),
                Gen.Select(Gen.Int[2, 130], Gen.Int[1, 70]), OneOf(1e-4, 1e-2, 1, 30))
            .Sample(
                (norm, skip, pools, slope, size, brightness) => ShouldEqualTheModel(
                    new GenIspOptions
                    {
                        Normalization = norm,
                        Skip = skip,
                        Pools = [pools.Item1, pools.Item2, pools.Item3],
                        NegativeSlope = slope,
                    },
                    RandomImage(size.Item1, size.Item2, (float)brightness),
                    // In the dark, a norm's own bias makes the next features' mean hundreds of times their spread.
                    norm == FeatureNormalization.Affine ? 5 * Tolerance : Tolerance),
                iter: 25, threads: 1);
    }

    // Then moments of the features, of which the variance is made, are far larger than the variance.
    [Theory]
    [InlineData(0.3)]
    [InlineData(0.001)]
    public void Equals_the_model_where_the_second_convolution_sees_edges_only(double brightness)
    {
        using var model = Model(new GenIspOptions());
        using (no_grad())
        {
            var kernels = model.named_parameters().Single(pair => pair.name == "shallow.conv2.weight").parameter;
            kernels.sub_(kernels.mean([2, 3], keepdim: true));
        }

        ShouldEqualTheModel(model, Fuse(model), RandomImage(200, 120, (float)brightness));
    }

    [Fact]
    public void A_single_pixel_is_a_picture()
    {
        using var model = Model(new GenIspOptions());
        var image = RandomImage(1, 1, 0.3f);

        Fuse(model).Develop(image).Pixels.ToArray().ShouldBe(model.Develop(image).Pixels.ToArray(), 1e-6);
    }

    [Theory]
    [InlineData(128)]
    [InlineData(256)]
    [InlineData(512)]
    public void Every_width_of_vectors_gives_the_same(int bits)
    {
        FusedKernels kernels = bits switch
        {
            128 => new FusedKernels<Simd128, Vector128<float>>(),
            256 => new FusedKernels<Simd256, Vector256<float>>(),
            _ => new FusedKernels<Simd512, Vector512<float>>(),
        };
        using var model = Model(new GenIspOptions { Pools = [4, 3, 2] });
        var image = RandomImage(230, 75, 0.1f);

        Fuse(model, kernels).Develop(image).Pixels.ToArray().ShouldBe(Fuse(model).Develop(image).Pixels.ToArray(), 1e-4);
    }

    [Fact]
    public void Any_number_of_threads_gives_the_same_to_the_bit()
    {
        using var model = Model(new GenIspOptions());
        var image = RandomImage(333, 210, 0.1f);
        var alone = Fuse(model, threads: 1).Develop(image).Pixels.ToArray();

        foreach (var threads in new[] { 2, 7 })
            Fuse(model, threads: threads).Develop(image).Pixels.Span.SequenceEqual(alone).ShouldBeTrue();
    }

    [Theory]
    [InlineData(FeatureNormalization.Instance, float.NaN)]
    [InlineData(FeatureNormalization.Affine, float.PositiveInfinity)]
    [InlineData(FeatureNormalization.None, float.NaN)]
    [InlineData(FeatureNormalization.None, float.PositiveInfinity)]
    [InlineData(FeatureNormalization.None, float.NegativeInfinity)]
    public void What_is_no_number_spreads_as_in_the_model(FeatureNormalization normalization, float value)
    {
        using var model = Model(new GenIspOptions { Normalization = normalization });
        var fused = Fuse(model);
        // At three columns a sample, the small copy looks at 400 and, with a weight of zero, at 401. A pixel in 402 reaches its neighbours
        // only.
        foreach (var column in new[] { 400, 401, 402 })
        {
            var image = RandomImage(768, 9, 0.3f);
            var pixels = image.Pixels.ToArray();
            pixels[4 * image.Width + column] = value;
            image = new LinearImage(image.Source, pixels, image.Frame, image.Cst, null, image.Saturated);
            var expected = model.Develop(image).Pixels.ToArray();

            var found = fused.Develop(image).Pixels.ToArray();

            for (var i = 0; i < found.Length; i++)
            {
                if (float.IsFinite(expected[i]))
                    found[i].ShouldBe(expected[i], 1e-5, $"column {column}, value {i}");
                else
                    found[i].Equals(expected[i]).ShouldBeTrue($"column {column}, value {i}: {found[i]}, not {expected[i]}");
            }
            var isLocal = normalization == FeatureNormalization.None && column == 402;
            expected.Count(float.IsFinite).ShouldBe(isLocal ? expected.Length - 75 : 0, $"column {column}");
        }
    }

    [Fact]
    public void Equals_the_model_with_the_Delft_weights()
    {
        var delft = SharedData.Path("weights/genisp-jptolen");
        using var model = IspFile.LoadModel(delft);
        using var isp = IspFile.Load(delft).ShouldBeOfType<FusedGenIsp>();

        ShouldEqualTheModel(model, isp, RandomImage(160, 120, 0.2f));
    }

    // As large as the network learned, and larger.
    [Theory]
    [InlineData("Blackmagic_BMPCC4K.dng", true)]
    [InlineData("colorchart_CanonKissX4_MLV.dng", false)]
    public void Equals_the_model_on_real_photos(string file, bool asLearned)
    {
        var sensor = RawReader.Read(SharedData.Path("raw/" + file));
        using var model = IspFile.LoadModel(IspFile.Shipped);
        using var isp = IspFile.Load(IspFile.Shipped).ShouldBeOfType<FusedGenIsp>();

        ShouldEqualTheModel(model, isp, LinearPipeline.ToLinear(sensor, asLearned ? isp.Input : new LinearOptions()));
    }

    [Fact]
    public void Tells_gains_and_matrix_as_the_model()
    {
        using var model = Model(new GenIspOptions());
        var image = RandomImage(300, 200, 0.2f);
        using var quiet = no_grad();
        var (gains, matrix) = model.Predict(model.ToTensor(image));

        Fuse(model).Develop(image, out var foundGains, out var foundMatrix);

        foundGains.ShouldBe(gains.data<float>().ToArray(), 1e-6);
        foundMatrix.ShouldBe(matrix.contiguous().data<float>().ToArray(), 1e-6);
    }

    [Fact]
    public void Needs_little_memory_beside_input_and_output()
    {
        using var model = Model(new GenIspOptions());
        var fused = Fuse(model, threads: 2);
        var image = RandomImage(2000, 1500, 0.1f);
        fused.Develop(RandomImage(50, 50, 0.1f));
        var before = GC.GetTotalAllocatedBytes(precise: true);

        fused.Develop(image);

        // The features of one convolution alone would take 192 MB or more.
        var beside = GC.GetTotalAllocatedBytes(precise: true) - before - 4 * image.Pixels.Length;
        beside.ShouldBeLessThan(32 << 20);
    }

    private static Gen<double> OneOf(params double[] values) => Gen.Int[0, values.Length - 1].Select(i => values[i]);

    private static void ShouldEqualTheModel(GenIspOptions options, LinearImage image, double tolerance = Tolerance)
    {
        using var model = Model(options);
        ShouldEqualTheModel(model, Fuse(model), image, tolerance);
    }

    private static void ShouldEqualTheModel(GenIspModel model, FusedGenIsp fused, LinearImage image, double tolerance = Tolerance)
    {
        using var scope = NewDisposeScope();
        using var quiet = no_grad();
        var found = fused.Develop(image).Pixels.ToArray();
        model.to(ScalarType.Float64);
        var expected = model.forward(model.ToTensor(image).to(ScalarType.Float64)).contiguous().data<double>().ToArray();

        var allowed = tolerance * Math.Max(1e-3, expected.Max() - expected.Min());
        for (var i = 0; i < found.Length; i++)
            ((double)found[i]).ShouldBe(expected[i], allowed, $"{model.Options}, {image.Width}x{image.Height}, value {i}");
    }

    private static FusedGenIsp Fuse(GenIspModel model, FusedKernels? kernels = null, int threads = -1) =>
        new(StateDict.From(model), model.Options, "the test", kernels ?? FusedKernels.Best, threads);

    private static GenIspModel Model(GenIspOptions options)
    {
        random.manual_seed(4);
        var model = new GenIspModel(options, GenIspInitialization.Identity);
        // Norms begin as 1 and 0, which would hide that they are read.
        using var quiet = no_grad();
        foreach (var (name, parameter) in model.named_parameters().Where(pair => pair.name.Contains("norm", StringComparison.Ordinal)))
            parameter.copy_(rand_like(parameter));
        return model;
    }

    // Smooth, with noise that goes below black.
    private static LinearImage RandomImage(int width, int height, float brightness)
    {
        var generator = new Random(width * 1009 + height);
        var pixels = new float[3 * width * height];
        for (var i = 0; i < pixels.Length; i++)
        {
            var (x, y) = (i % width, i / width);
            pixels[i] = brightness * (0.5f + 0.4f * MathF.Sin(0.05f * x) * MathF.Cos(0.03f * y) + 0.3f * (generator.NextSingle() - 0.5f));
        }
        var frame = new Frame(width, height);
        return new LinearImage("random", pixels, frame, CstDirection.Inverse, null, new GenIsp.Geometry.Vector3(1, 1, 1));
    }
}
