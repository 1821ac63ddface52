using System.Security.Cryptography;
using GenIsp.Color;
using GenIsp.Data;
using GenIsp.Detection;
using GenIsp.Geometry;
using GenIsp.Imaging;
using GenIsp.Isp;
using GenIsp.Training;
using GenIsp.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace GenIsp.Tests.Training;

public sealed class TrainerTests : IDisposable
{
    // A convolution's bias shifts a whole channel, and InstanceNorm takes the channel's mean away: what is left of the gradient is
    // rounding.
    private static readonly string[] WithoutGradient = ["shallow.conv1.bias", "shallow.conv2.bias"];

    private static readonly TrainingOptions Identity =
        new() { Initialization = GenIspInitialization.Identity, ColorLossWeight = 0.1, Network = TinyPhotos.Quick };

    private readonly DisposeScope _scope = NewDisposeScope();
    private readonly BrightDetector _bright = new();

    public void Dispose()
    {
        _scope.Dispose();
        _bright.Dispose();
    }

    [Fact]
    public void Under_a_real_detector_the_gradient_reaches_the_whole_ISP_and_the_loss_falls_while_nothing_of_the_detector_moves()
    {
        using var detector = OnnxDetector.Load(SharedData.Path("weights/yolox_nano.onnx"));
        var weights = detector.Weights.Select(weight => weight.contiguous().bytes.ToArray()).ToList();
        using var trainer = new Trainer(Identity with { Network = new GenIspOptions() }, detector);
        var sample = Sample("a", 64, 48);

        var first = trainer.Step([sample], 3e-3);

        foreach (var (name, gradient) in Gradients(trainer))
        {
            if (WithoutGradient.Contains(name))
                Norm(gradient).ShouldBeLessThan(1e-3 * first.GradientNorm, name);
            else
                Norm(gradient).ShouldBeGreaterThan(1e-6 * first.GradientNorm, name);
        }
        first.Classification.ShouldBeGreaterThan(0);
        first.Boxes.ShouldBeGreaterThan(0);

        var losses = Enumerable.Range(0, 9).Select(_ => trainer.Step([sample], 3e-3).Total).ToList();
        losses[^1].ShouldBeLessThan(0.9 * first.Total);
        losses[^1].ShouldBeLessThan(losses[3]);
        detector.Weights.Select(weight => weight.contiguous().bytes.ToArray())
            .Zip(weights).ShouldAllBe(pair => pair.First.SequenceEqual(pair.Second));
        detector.Weights.ShouldAllBe(weight => !weight.requires_grad && (object?)weight.grad == null);
    }

    [Fact]
    public void Many_steps_keep_no_native_memory()
    {
        using var detector = TinyPhotos.Detector();
        using var trainer = new Trainer(Identity with { AveragingDecay = 0.9, ClipNorm = 1, ImitationSteps = 2 }, detector);
        TrainingSample[] batch = [Sample("a", 40, 32)];
        for (var i = 0; i < 3; i++)
            trainer.Step(batch, 1e-3);
        var before = Tensor.TotalCount;

        for (var i = 0; i < 20; i++)
        {
            trainer.Step(batch, 1e-3);
            // The collector may free a tensor of an earlier test meanwhile.
            Tensor.TotalCount.ShouldBeLessThanOrEqualTo(before, $"step {i}");
        }
    }

    [Fact]
    public void A_loss_that_is_not_finite_stops_with_the_images_name_and_moves_nothing()
    {
        using var detector = TinyPhotos.Detector();
        using var trainer = new Trainer(Identity with { AveragingDecay = 0.9 }, detector);
        var good = Sample("good.png", 40, 32);
        var bad = Sample("bad.png", 40, 32, pixel => pixel == 7 ? float.NaN : null);
        trainer.Step([good], 1e-3);
        var before = Bits(trainer.Save());

        var error = Should.Throw<GenIspException>(() => trainer.Step([good, bad], 1e-3));

        error.Message.ShouldStartWith("The loss of bad.png is not finite");
        error.Message.ShouldContain("at step 1.");
        Bits(trainer.Save()).ShouldBe(before);
        trainer.Steps.ShouldBe(1);
        double.IsFinite(trainer.Step([good], 1e-3).GradientNorm).ShouldBeTrue();
    }

    [Fact]
    public void A_gradient_that_is_not_finite_stops_before_it_does_harm()
    {
        using var trainer = new Trainer(Identity with { ImitationSteps = 5 }, _bright);
        var before = Bits(trainer.Save());

        Should.Throw<GenIspException>(() => trainer.Step([Sample("bad.png", 20, 16, _ => float.NaN)], 1e-3)).Message
            .ShouldContain("bad.png");

        Bits(trainer.Save()).ShouldBe(before);
    }

    [Fact]
    public void A_batchs_gradient_is_the_mean_of_its_images_gradients()
    {
        TrainingSample[] samples = [Sample("a", 40, 24), Sample("b", 24, 40), Sample("c", 32, 32)];
        (StepLosses Losses, List<(string Name, float[] Values)> Gradients) Of(params TrainingSample[] batch)
        {
            using var trainer = new Trainer(Identity, _bright);
            return (trainer.Step(batch, 1e-3), Gradients(trainer));
        }

        var together = Of(samples);
        var alone = samples.Select(sample => Of(sample)).ToList();

        together.Losses.Classification.ShouldBe(alone.Average(one => one.Losses.Classification), 1e-6);
        together.Losses.Boxes.ShouldBe(alone.Average(one => one.Losses.Boxes), 1e-6);
        together.Losses.Color.ShouldBe(alone.Average(one => one.Losses.Color), 1e-6);
        foreach (var (i, (name, values)) in together.Gradients.Index())
        {
            var largest = together.Gradients[i].Values.Max(Math.Abs);
            for (var k = 0; k < values.Length && !WithoutGradient.Contains(name); k++)
                values[k].ShouldBe(alone.Average(one => one.Gradients[i].Values[k]), 1e-5f * largest, name);
        }
    }

    [Fact]
    public void Each_picture_has_gains_and_a_matrix_of_its_own()
    {
        random.manual_seed(1);
        using var model = new GenIspModel();
        using var quiet = no_grad();
        var pair = cat([rand(1, 3, 40, 30), rand(1, 3, 40, 30).square()]);

        var (gains, matrix) = model.Predict(pair);

        for (var i = 0; i < 2; i++)
        {
            var (alone, aloneMatrix) = model.Predict(pair[i..(i + 1)]);
            // Convolutions of two pictures and of one may add up in another order.
            (gains[i] - alone[0]).abs().max().item<float>().ShouldBeLessThan(1e-5f);
            (matrix[i] - aloneMatrix[0]).abs().max().item<float>().ShouldBeLessThan(1e-5f);
        }
        (gains[0] - gains[1]).abs().max().item<float>().ShouldBeGreaterThan(1e-3f);
    }

    [Fact]
    public void The_colour_loss_is_of_the_pictures_tint_and_drives_it_to_gray()
    {
        using var trainer = new Trainer(Identity with { ColorLossWeight = 1000 }, _bright);
        var sample = Sample("a", 24, 16);
        SetConstant(trainer.Result, 0.5f, 0.5f, 0.5f);
        trainer.Step([sample], 0).Color.ShouldBe(0, 1e-9);

        SetConstant(trainer.Result, 0.7f, 0.4f, 0.2f);
        var tinted = trainer.Step([sample], 0);
        tinted.Color.ShouldBe(1000 * (0.3 + 0.5 + 0.2), 1e-2);
        tinted.Total.ShouldBe(tinted.Classification + tinted.Boxes + tinted.Color);

        for (var i = 0; i < 4; i++)
            trainer.Step([sample], 1.5e-3);
        trainer.Step([sample], 0).Color.ShouldBeLessThan(0.7 * tinted.Color);
    }

    [Fact]
    public void A_colour_loss_of_no_weight_counts_nothing()
    {
        using var trainer = new Trainer(Identity with { ColorLossWeight = 0 }, _bright);

        trainer.Step([Sample("a", 24, 16)], 1e-3).Color.ShouldBe(0);
    }

    [Fact]
    public void The_result_is_the_moving_average_of_the_weights()
    {
        const double Decay = 0.24; // Above it from the second step on: (1 + n) / (10 + n).
        using var plain = new Trainer(Identity, _bright);
        using var averaging = new Trainer(Identity with { AveragingDecay = Decay }, _bright);
        double[] Weights(Trainer trainer) => [.. trainer.Result.parameters().SelectMany(p => p.detach().flatten().data<float>().ToArray())];
        var sample = Sample("a", 24, 16);
        var expected = Weights(plain);
        Weights(averaging).ShouldBe(expected, "it begins at the weights");

        for (var step = 1; step <= 3; step++)
        {
            plain.Step([sample], 1e-2);
            averaging.Step([sample], 1e-2);
            var decay = Math.Min(Decay, (1.0 + step) / (10 + step));
            expected = [.. expected.Zip(Weights(plain), (old, current) => decay * old + (1 - decay) * current)];
        }

        Weights(averaging).Zip(expected, (value, other) => Math.Abs(value - other)).Max().ShouldBeLessThan(1e-6);
        Weights(averaging).Zip(Weights(plain), (value, other) => Math.Abs(value - other)).Max().ShouldBeGreaterThan(1e-3);
    }

    [Fact]
    public void A_gradient_that_is_too_long_is_shortened_and_another_is_left_alone()
    {
        (double Said, double Length) Of(double limit)
        {
            using var trainer = new Trainer(Identity with { ClipNorm = limit }, _bright);
            var losses = trainer.Step([Sample("a", 24, 16)], 1e-3);
            return (losses.GradientNorm, Norm([.. Gradients(trainer).SelectMany(gradient => gradient.Values)]));
        }

        var (said, length) = Of(0);
        said.ShouldBe(length, 1e-5 * length);
        Of(length / 10).Length.ShouldBe(length / 10, 1e-5 * length);
        Of(length / 10).Said.ShouldBe(said);
        Of(2 * length).Length.ShouldBe(length);
    }

    [Fact]
    public void A_saved_trainer_goes_on_to_the_bit_whatever_it_began_with()
    {
        var options = Identity with { AveragingDecay = 0.9, Seed = 1 };
        TrainingSample[] first = [Sample("a", 24, 16), Sample("b", 24, 16)], second = [Sample("c", 24, 16)];
        using var whole = new Trainer(options, _bright);
        whole.Step(first, 1e-2);
        whole.Step(second, 1e-2);
        var saved = whole.Save();
        whole.Step(first, 1e-2);

        using var other = new Trainer(options with { Seed = 2 }, _bright);
        Bits(other.Save()).ShouldNotBe(Bits(saved));
        other.Restore(saved, 2, "state");
        Bits(other.Save()).ShouldBe(Bits(saved));
        other.Step(first, 1e-2);

        Bits(other.Save()).ShouldBe(Bits(whole.Save()));
        other.Steps.ShouldBe(3);
    }

    [Fact]
    public void The_seed_determines_how_the_network_begins()
    {
        string Of(long seed)
        {
            using var trainer = new Trainer(Identity with { Seed = seed }, _bright);
            return Bits(trainer.Save());
        }

        Of(3).ShouldBe(Of(3));
        Of(4).ShouldNotBe(Of(3));
    }

    [Fact]
    public void A_checkpoint_of_another_network_is_refused_by_its_tensors()
    {
        using var averaging = new Trainer(Identity with { AveragingDecay = 0.9 }, _bright);
        using var plain = new Trainer(Identity, _bright);
        var before = Bits(plain.Save());

        Should.Throw<GenIspException>(() => plain.Restore(averaging.Save(), 1, "state.safetensors")).Message
            .ShouldStartWith("state.safetensors is a checkpoint of another network: 22 tensors are missing, unexpected or of another "
                + "shape, such as average.");
        var misshaped = plain.Save();
        misshaped["model.shallow.conv3.bias"] = TensorData.FromSingles(new float[1], 1);
        Should.Throw<GenIspException>(() => plain.Restore(misshaped, 1, "state.safetensors")).Message
            .ShouldContain("1 tensors are missing, unexpected or of another shape, such as model.shallow.conv3.bias.");
        Bits(plain.Save()).ShouldBe(before);
    }

    [Fact]
    public void At_the_start_a_good_picture_may_be_imitated()
    {
        using var trainer = new Trainer(Identity with { ImitationSteps = 5 }, _bright);
        var sample = Sample("a", 32, 24);
        using var classical = new ClassicalIsp();
        double Difference() => trainer.Result.Develop(sample.Image).Pixels.ToArray()
            .Zip(classical.Develop(sample.Image).Pixels.ToArray(), (a, b) => Math.Abs((double)a - b)).Average();
        var before = Difference();

        var losses = Enumerable.Range(0, 6).Select(_ => trainer.Step([sample], 1e-2)).ToList();

        losses[0].Total.ShouldBe(before, 1e-5);
        losses[..5].ShouldAllBe(loss => loss.Imitation > 0 && loss.Classification == 0 && loss.Boxes == 0 && loss.Color == 0);
        losses[4].Total.ShouldBeLessThan(0.9 * before);
        losses[5].Boxes.ShouldBeGreaterThan(0, "then the detector teaches");
        losses[5].Imitation.ShouldBe(0);
    }

    internal static TrainingSample Sample(string name, int width, int height, Func<int, float?>? change = null)
    {
        var random = new RandomSource(Seeds.Derive(1, name));
        var box = new Box(width / 5, height / 6, width / 5 + width / 2, height / 6 + height / 3 * 2);
        var photo = new float[3 * width * height];
        for (var i = 0; i < photo.Length; i++)
        {
            var (x, y) = (i % width, i / width % height);
            var isInside = x >= box.X1 && x < box.X2 && y >= box.Y1 && y < box.Y2;
            photo[i] = (float)random.NextUniform(isInside ? 0.6 : 0.1, isInside ? 0.9 : 0.4);
        }
        var sensor = LowLightSimulator.Simulate(
            new RgbImage(photo, new Frame(width, height)), SimulatedCamera.Load("sony-rx100m7"),
            new NightParameters(20, 3e-4, 1e-6, 1.2, 0.7), 3, name);
        var image = LinearPipeline.ToLinear(sensor, new LinearOptions { MaxSize = null });
        float[] pixels = [.. image.Pixels.ToArray().Select((value, i) => change?.Invoke(i) ?? value)];
        var linear = new LinearImage(name, pixels, image.Frame, image.Cst, image.White, image.Saturated);
        using var classical = new ClassicalIsp();
        return new TrainingSample(name, linear, [new DetectionTarget(box, 0)], classical.Develop(linear).Pixels.ToArray());
    }

    // A network whose picture is the same everywhere.
    private static void SetConstant(GenIspModel model, float r, float g, float b)
    {
        using var quiet = no_grad();
        var (weight, bias) = (model.get_parameter("shallow.conv3.weight")!, model.get_parameter("shallow.conv3.bias")!);
        weight.zero_();
        bias.copy_(tensor([r, g, b], dtype: ScalarType.Float32));
    }

    private static List<(string Name, float[] Values)> Gradients(Trainer trainer) =>
        [.. trainer.Result.named_parameters().Select(pair => (pair.name, pair.parameter.grad!.flatten().data<float>().ToArray()))];

    private static double Norm(float[] values) => Math.Sqrt(values.Sum(value => (double)value * value));

    private static string Bits(StateDict state) => string.Join(
        '\n', state.Select(pair => $"{pair.Key} {Convert.ToHexString(SHA256.HashData(pair.Value.Bytes.Span))}"));
}
