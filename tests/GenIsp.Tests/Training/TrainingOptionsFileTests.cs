using GenIsp.Color;
using GenIsp.Data;
using GenIsp.Detection;
using GenIsp.Isp;
using GenIsp.Training;

namespace GenIsp.Tests.Training;

public sealed class TrainingOptionsFileTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private string FilePath => _folder["options.json"];

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Options_come_back_as_they_were_written()
    {
        var options = TrainingOptions.Night with
        {
            Detector = "größer.onnx",
            ValidationImages = "val",
            ValidationAnnotations = "val.json",
            Simulation = new NightSimulation
            {
                Cameras = ["nikon-d750", "own.json"],
                Night = new NightOptions { Darkness = new LogRange(2, 7), ShotNoise = NightOptions.HardNoise, Illuminant = false },
            },
            Milestones = [3],
            Network = new GenIspOptions { Pools = [4, 3, 2], Cst = CstDirection.None, MaxSize = new SizeLimit(640, 400) },
            Loss = new DetectionLossOptions { BoxLoss = BoxLoss.GIoU, Beta = 0.25 },
            LearningRate = 1.0 / 3,
            Seed = long.MinValue,
        };

        TrainingOptionsFile.Write(FilePath, options);
        var read = TrainingOptionsFile.Read(FilePath);

        TrainingOptionsFile.Differences(options, read).ShouldBeEmpty();
        read.Network.MaxSize.ShouldBe(new SizeLimit(640, 400));
        (read.Simulation!.Cameras[1], read.Simulation.Night.Darkness, read.Seed).ShouldBe(("own.json", new LogRange(2, 7), long.MinValue));
        (read.Loss.BoxLoss, read.Schedule, read.LearningRate).ShouldBe((BoxLoss.GIoU, Schedule.Cosine, 1.0 / 3));
    }

    [Fact]
    public void Sizes_ranges_and_choices_are_words_of_the_command_line()
    {
        TrainingOptionsFile.Write(FilePath, TrainingOptions.Paper with
        {
            Simulation = new(),
            Network = new GenIspOptions { MaxSize = SizeLimit.Detection },
            Loss = new DetectionLossOptions { BoxLoss = BoxLoss.GIoU },
        });

        var text = File.ReadAllText(FilePath);
        text.ShouldContain("\"max_size\": \"1333x800\"");
        text.ShouldContain("\"darkness\": \"10..100\"");
        text.ShouldContain("\"shot_noise\": \"0.0001..0.001\"");
        text.ShouldContain("\"box_loss\": \"giou\"");
        text.ShouldContain("\"cst\": \"inverse\"");
        text.ShouldContain("\"learning_rate\": 0.01,\n");
    }

    [Fact]
    public void The_file_lies_over_the_recipe()
    {
        var read = Read("""
            // What is better on this camera.
            {"epochs": 3, "loss": {"gamma": 1.5}, "network": {"cst": "none"}, "milestones": [1],}
            """, TrainingOptions.Night);

        TrainingOptionsFile.Differences(TrainingOptions.Night, read).ShouldBe(
        [
            "epochs: 39 → 3", "milestones: [5,10] → [1]", "network.cst: \"inverse\" → \"none\"", "loss.gamma: 2 → 1.5",
        ]);
        TrainingOptionsFile.Differences(TrainingOptions.Paper, Read("{}")).ShouldBeEmpty();
    }

    [Fact]
    public void A_simulation_is_there_as_soon_as_something_is_said_of_it_and_gone_with_null()
    {
        var hard = Read("""{"simulation": {"night": {"shot_noise": "6e-4..6e-3"}}}""");

        hard.Simulation!.Cameras.ShouldBe(["sony-rx100m7"]);
        hard.Simulation.Night.ShouldBe(new NightOptions { ShotNoise = NightOptions.HardNoise });
        Read("""{"simulation": null}""", hard).Simulation.ShouldBeNull();
        TrainingOptionsFile.Differences(TrainingOptions.Paper, hard).ShouldBe(
        [
            "simulation: null → "
            + """{"cameras":["sony-rx100m7"],"night":{"darkness":"10..100","shot_noise":"0.0006..0.006","illuminant":true}}""",
        ]);
    }

    [Theory]
    // Unknown keys, by their place.
    [InlineData("""{"learning_rat": 1}""", "\"learning_rat\" is no training option. Those that there are: detector, images, annotations,")]
    [InlineData("""{"Epochs": 1}""", "\"Epochs\" is no training option.")]
    [InlineData("""{"loss": {"delta": 1}}""", "\"loss.delta\" is no training option. Those that there are: loss.alpha, loss.gamma,")]
    [InlineData("""{"simulation": {"night": {"fog": 1}}}""", "\"simulation.night.fog\" is no training option.")]
    [InlineData("""{"a.b['c']": 1}""", "\"a.b['c']\" is no training option.")]
    // Values out of range.
    [InlineData("""{"epochs": 0}""", "\"epochs\" is 0, but must be from 1 to 100000.")]
    [InlineData("""{"learning_rate": -1e-3}""", "\"learning_rate\" is -0.001, but must be from 0 to 10.")]
    [InlineData("""{"flip_probability": 1.5}""", "\"flip_probability\" is 1.5, but must be from 0 to 1.")]
    [InlineData("""{"loss": {"gamma": 0.5}}""", "\"loss.gamma\" is 0.5, but must be 0, or from 1 to 100.")]
    [InlineData("""{"network": {"pools": [2, 2]}}""", "The pools 2, 2 are not three whole numbers above 0")]
    // Values of another kind.
    [InlineData("""{"epochs": "many"}""", "\"epochs\" is \"many\", but must be a whole number.")]
    [InlineData("""{"epochs": 1.5}""", "\"epochs\" is 1.5, but must be a whole number.")]
    [InlineData("""{"epochs": 99999999999}""", "\"epochs\" is 99999999999, but must be a whole number.")]
    [InlineData("""{"decay": null}""", "\"decay\" is null, but must be a number.")]
    [InlineData("""{"detector": null}""", "\"detector\" is null, but must be text.")]
    [InlineData("""{"images": 7}""", "\"images\" is 7, but must be text.")]
    [InlineData("""{"loss": 7}""", "\"loss\" is 7, but must be an object.")]
    [InlineData("""{"network": null}""", "\"network\" is null, but must be an object.")]
    [InlineData("""{"milestones": [5, "ten"]}""", "\"milestones\" is [5,\"ten\"], but must be a list of whole numbers.")]
    [InlineData("""{"simulation": {"cameras": "sony-rx100m7"}}""", "\"simulation.cameras\" is \"sony-rx100m7\", but must be a list of")]
    [InlineData("""{"simulation": {"night": {"illuminant": 1}}}""", "\"simulation.night.illuminant\" is 1, but must be true or false.")]
    [InlineData(
        """{"simulation": {"night": {"darkness": "100..10"}}}""",
        "is \"100..10\", but must be a range of numbers above 0 such as \"10")]
    [InlineData("""{"simulation": {"night": {"darkness": [10, 100]}}}""", "is [10,100], but must be a range of numbers above 0")]
    [InlineData("""{"network": {"max_size": "huge"}}""", "\"network.max_size\" is \"huge\", but must be a size such as \"1333x800\".")]
    [InlineData("""{"schedule": "linear"}""", "\"schedule\" is \"linear\", but must be \"steps\" or \"cosine\".")]
    [InlineData("""{"schedule": 1}""", "\"schedule\" is 1, but must be \"steps\" or \"cosine\".")]
    [InlineData("""{"loss": {"box_loss": "iou"}}""", "but must be \"smooth_l1\" or \"l1\" or \"giou\".")]
    public void What_is_wrong_is_said_by_key_value_and_what_it_must_be(string json, string message)
    {
        var error = Should.Throw<GenIspException>(() => Read(json));

        error.Message.ShouldStartWith($"{FilePath}: ");
        error.Message.ShouldContain(message);
    }

    [Theory]
    [InlineData("[]", "holds no JSON object")]
    [InlineData("null", "holds no JSON object")]
    [InlineData("", "is not JSON")]
    [InlineData("{\n\"epochs\": 1,\n\"seed\" 2}", "is not JSON as options are (line 3): ")]
    [InlineData("""{"epochs": 1, "epochs": 2}""", "epochs")]
    [InlineData("""{"loss": {"alpha": 0.1, "alpha": 0.2}}""", "alpha")]
    public void What_is_no_such_JSON_is_refused(string json, string message)
    {
        var error = Should.Throw<GenIspException>(() => Read(json));

        error.Message.ShouldStartWith($"{FilePath} ");
        error.Message.ShouldContain(message);
        foreach (var jargon in new[] { "GenIsp.", "System.", "Deserializ", "deserializ", "BytePosition", "Path:" })
            error.Message.ShouldNotContain(jargon, Case.Sensitive);
    }

    [Fact]
    public void Options_out_of_range_are_refused_in_code_too() =>
        Should.Throw<GenIspException>(() => new TrainingOptions { AveragingDecay = double.NaN }).Message
            .ShouldBe("\"averaging_decay\" is NaN, but must be from 0 to 0.999999.");

    private TrainingOptions Read(string json, TrainingOptions? recipe = null)
    {
        File.WriteAllText(FilePath, json);
        return TrainingOptionsFile.Read(FilePath, recipe);
    }
}
