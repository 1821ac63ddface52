using System.Text.Json;
using GenIsp.Color;
using GenIsp.Geometry;
using GenIsp.Isp;
using GenIsp.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace GenIsp.Tests.Isp;

public sealed class GenIspModelTests : IDisposable
{
    // Two libraries add up 1600 products in float32 in another order; InstanceNorm then magnifies dark pictures.
    private const float Tolerance = 1e-4f;

    private static readonly JsonElement Fixture = JsonDocument.Parse(
        File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "Fixtures", "genisp.json"))).RootElement;

    private readonly DisposeScope _scope = NewDisposeScope();

    public void Dispose() => _scope.Dispose();

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public void Equals_the_same_network_in_PyTorch(int index)
    {
        var @case = Fixture.GetProperty("cases")[index];
        using var model = new GenIspModel(new GenIspOptions
        {
            Pools = [.. @case.GetProperty("pools").EnumerateArray().Select(pool => pool.GetInt32())],
            NegativeSlope = @case.GetProperty("slope").GetDouble(),
        });
        FormulaWeights.Fill(model);

        ShouldMatch(model, @case);
    }

    [Fact]
    public void The_Delft_weights_run_and_equal_PyTorch()
    {
        using var isp = IspFile.LoadModel(SharedData.Path("weights/genisp-jptolen"));

        isp.Options.Pools.ShouldBe([4, 3, 2]);
        ShouldMatch(isp, Fixture.GetProperty("delft")[0]);
    }

    [Fact]
    public void Has_115855_parameters()
    {
        using var model = new GenIspModel();

        long Count(string prefix) => model.named_parameters().Where(p => p.name.StartsWith(prefix, StringComparison.Ordinal))
            .Sum(p => p.parameter.numel());
        Count("conv_wb.").ShouldBe(52_579);
        Count("conv_cc.").ShouldBe(53_353);
        Count("shallow.").ShouldBe(9_923);
        Count("").ShouldBe(115_855);
        Fixture.GetProperty("parameters").GetInt64().ShouldBe(115_855);
    }

    [Fact]
    public void Identity_initialisation_sets_only_the_last_biases()
    {
        random.manual_seed(7);
        using var plain = new GenIspModel();
        random.manual_seed(7);
        using var identity = new GenIspModel(initialization: GenIspInitialization.Identity);

        var (before, after) = (StateDict.From(plain), StateDict.From(identity));
        after["conv_wb.mlp.0.bias"].ToSingles().ShouldBe([1, 1, 1]);
        after["conv_cc.mlp.0.bias"].ToSingles().ShouldBe([1, 0, 0, 0, 1, 0, 0, 0, 1]);
        foreach (var name in before.Keys.Where(name => !name.EndsWith("mlp.0.bias", StringComparison.Ordinal)))
            after[name].ToSingles().ShouldBe(before[name].ToSingles(), name);
    }

    [Fact]
    public void Pictures_of_a_batch_do_not_touch_each_other()
    {
        random.manual_seed(1);
        using var model = new GenIspModel();
        model.to(ScalarType.Float64); // In float32, convolutions of two pictures and of one may add up in another order.
        var pair = rand(2, 3, 40, 30, dtype: ScalarType.Float64);
        using var quiet = no_grad();

        var together = model.forward(pair);
        var alone = model.forward(pair[1..2]);

        (together[1..2] - alone).abs().max().item<double>().ShouldBeLessThan(1e-10);
    }

    [Fact]
    public void A_gradient_reaches_every_parameter()
    {
        random.manual_seed(2);
        using var model = new GenIspModel();

        model.forward(rand(1, 3, 32, 32)).square().mean().backward();

        foreach (var (name, parameter) in model.named_parameters())
            parameter.grad!.abs().sum().item<float>().ShouldBeGreaterThan(0, name);
    }

    [Fact]
    public void A_saved_network_comes_back_with_its_options()
    {
        var path = Path.Combine(Directory.CreateTempSubdirectory().FullName, "isp.safetensors");
        using var model = new GenIspModel(new GenIspOptions { Pools = [4, 3, 2], NegativeSlope = 0.2, Cst = CstDirection.None });

        IspFile.Save(path, model);
        using var loaded = IspFile.LoadModel(path);

        loaded.Options.Pools.ShouldBe([4, 3, 2]);
        loaded.Options.NegativeSlope.ShouldBe(0.2);
        loaded.Cst.ShouldBe(CstDirection.None);
        StateDict.From(loaded)["shallow.conv2.weight"].ToSingles().ShouldBe(StateDict.From(model)["shallow.conv2.weight"].ToSingles());
    }

    [Fact]
    public void Developing_again_and_again_keeps_no_native_memory()
    {
        using var model = new GenIspModel();
        var image = new LinearImage("random", new float[3 * 20 * 30], new Frame(30, 20), CstDirection.Inverse, null, new Vector3(1, 1, 1));
        model.Develop(image);
        var before = Tensor.TotalCount;

        for (var i = 0; i < 20; i++)
            model.Develop(image);

        Tensor.TotalCount.ShouldBe(before);
    }

    [Fact]
    public void Weights_of_another_model_are_refused_by_name()
    {
        var path = Path.Combine(Directory.CreateTempSubdirectory().FullName, "other.safetensors");
        using var model = new GenIspModel();
        var weights = StateDict.From(model);
        foreach (var (key, value) in model.Options.ToMetadata())
            weights.Metadata[key] = value;
        weights["shallow.conv3.weight"] = TensorData.FromSingles(new float[64], 1, 64, 1, 1);
        SafetensorsFile.Write(path, weights);

        Should.Throw<GenIspException>(() => IspFile.Load(path))
            .Message.ShouldContain("shallow.conv3.weight is [1, 64, 1, 1], not [3, 64, 1, 1]");
    }

    [Theory]
    [InlineData("pools", "2,2", "three whole numbers")]
    [InlineData("pools", "2,2,0", "three whole numbers")]
    [InlineData("pools", "100,100,100", "product of at most 256")]
    [InlineData("negative_slope", "steep", "a number")]
    [InlineData("cst", "sideways", "inverse, direct or none")]
    [InlineData("normalization", "batch", "instance, affine or none")]
    [InlineData("skip", "yes", "true or false")]
    [InlineData("antialias", "1", "true or false")]
    [InlineData("max_size", "huge", "a size such as 1333x800")]
    [InlineData("auto_below_db", "dim", "a number of decibels")]
    [InlineData("architecture", "resnet", "does not say that it holds a GenISP network")]
    public void Options_that_make_no_sense_are_refused(string key, string value, string message)
    {
        var metadata = new Dictionary<string, string>(new GenIspOptions().ToMetadata()) { [key] = value };

        Should.Throw<GenIspException>(() => GenIspOptions.FromMetadata(metadata, "isp.safetensors")).Message.ShouldContain(message);
    }

    [Fact]
    public void Every_option_comes_back_from_the_metadata()
    {
        var options = new GenIspOptions
        {
            Pools = [4, 3, 2],
            NegativeSlope = 0.2,
            Cst = CstDirection.Direct,
            Normalization = FeatureNormalization.Affine,
            Skip = true,
            MaxSize = new SizeLimit(640, 480),
            Antialias = true,
            AutoBelow = 17.25,
        };

        var read = GenIspOptions.FromMetadata(new Dictionary<string, string>(options.ToMetadata()), "isp.safetensors");

        read.Pools.ShouldBe(options.Pools);
        (read with { Pools = options.Pools }).ShouldBe(options);
    }

    [Fact]
    public void An_affine_norm_that_has_learned_nothing_is_the_papers()
    {
        random.manual_seed(3);
        using var paper = new GenIspModel();
        using var affine = new GenIspModel(new GenIspOptions { Normalization = FeatureNormalization.Affine });
        using var quiet = no_grad();
        var weights = StateDict.From(affine);
        foreach (var (name, tensor) in StateDict.From(paper))
            weights[name] = tensor;
        weights.CopyTo(affine, "the test");
        var image = rand(1, 3, 20, 30);

        (affine.forward(image) - paper.forward(image)).abs().max().item<float>().ShouldBeLessThan(Tolerance);
    }

    [Fact]
    public void The_skip_adds_the_colour_corrected_picture()
    {
        random.manual_seed(3);
        using var plain = new GenIspModel();
        using var skip = new GenIspModel(new GenIspOptions { Skip = true });
        using var quiet = no_grad();
        StateDict.From(plain).CopyTo(skip, "the test");
        var image = rand(1, 3, 20, 30);
        var (gains, matrix) = plain.Predict(image);
        var corrected = einsum("bij,bjhw->bihw", matrix, image * gains.view(1, 3, 1, 1));

        (skip.forward(image) - plain.forward(image) - corrected).abs().max().item<float>().ShouldBeLessThan(1e-5f);
    }

    [Fact]
    public void Without_a_norm_the_shallow_network_knows_a_pictures_brightness()
    {
        random.manual_seed(3);
        using var quiet = no_grad();
        var image = rand(1, 3, 16, 16) * 100; // so bright that InstanceNorm's epsilon is nothing
        var same = eye(3).unsqueeze(0);
        float Brightening(FeatureNormalization normalization)
        {
            using var network = new ShallowConvNet("shallow", new GenIspOptions { Normalization = normalization });
            return (network.forward(image * 2, same) - network.forward(image, same)).abs().max().item<float>();
        }

        Brightening(FeatureNormalization.Instance).ShouldBeLessThan(0.01f);
        Brightening(FeatureNormalization.None).ShouldBeGreaterThan(1);
    }

    [Fact]
    public void A_missing_ISP_and_an_incomplete_folder_are_named()
    {
        var folder = Directory.CreateTempSubdirectory().FullName;

        Should.Throw<GenIspException>(() => IspFile.Load("clasical")).Message.ShouldContain("There is no ISP \"clasical\"");
        Should.Throw<GenIspException>(() => IspFile.Load(folder)).Message.ShouldContain("convwb_model.pth");
    }

    private static void ShouldMatch(GenIspModel model, JsonElement @case)
    {
        var shape = @case.GetProperty("shape").EnumerateArray().Select(side => side.GetInt64()).ToArray();
        var input = FormulaWeights.Formula((int)shape.Aggregate((a, b) => a * b), 99)
            .Select(value => (float)((value + 0.45) * @case.GetProperty("scale").GetDouble())).ToArray();
        using var quiet = no_grad();

        Hold(ScalarType.Float64, 1e-6);
        // In the dark, biases are added to sums far smaller than they, and InstanceNorm amplifies what digits that leaves: PyTorch in
        // float32 is up to 3e-4 from float64 on one processor, 7e-5 on another.
        Hold(ScalarType.Float32, @case.GetProperty("scale").GetDouble() < 0.1 ? 5 * Tolerance : Tolerance);

        void Hold(ScalarType type, double tolerance)
        {
            model.to(type);
            double[] values = [.. model.forward(tensor(input, shape).to_type(type)).to_type(ScalarType.Float64).contiguous().data<double>()];
            values.Average().ShouldBe(@case.GetProperty("mean").GetDouble(), Math.Min(tolerance, Tolerance));
            var step = @case.GetProperty("step").GetInt32();
            var expected = @case.GetProperty("values").EnumerateArray().Select(value => value.GetDouble()).ToArray();
            for (var i = 0; i < expected.Length; i++)
                values[i * step].ShouldBe(expected[i], tolerance, $"value {i * step} in {type}");
        }
    }
}
