using System.CommandLine;
using GenIsp.Color;
using GenIsp.Data;
using GenIsp.Detection;
using GenIsp.Isp;
using GenIsp.Training;

namespace GenIsp.Cli;

/// <summary>The training options on the command line. What is not given stays as the recipe, the file, or the resumed run says.</summary>
internal sealed class TrainingRecipe
{
    private readonly Option<Recipe?> _recipe = Choice.Optional(
        "--recipe", "Where to begin: the paper's options, or those that were found better [default: paper]",
        ("paper", Recipe.Paper), ("night", Recipe.Night));

    private readonly Option<string?> _file = Text("--options", "JSON file of options, as a run's options.json", "FILE");

    private readonly Option<string?> _detector = Text(
        "--detector", "The frozen detector: ONNX, torchvision's RetinaNet, or the name of downloaded weights", "FILE|NAME");
    private readonly Option<DetectorPrecision?> _precision = PrecisionOption.ToTrain();
    private readonly Option<string?> _images = Text("--images", "Folder with the RAW files, or photos with --simulate", "DIR");
    private readonly Option<string?> _annotations = Text("--annotations", "Their COCO annotations", "FILE");
    private readonly Option<string?> _validationImages = Text("--val-images", "Folder with the images to measure each epoch on", "DIR");
    private readonly Option<string?> _validationAnnotations = Text("--val-annotations", "Their COCO annotations", "FILE");
    private readonly Option<int?> _interval = NumberOption.Whole("--val-every", "Epochs from one measurement to the next", "N");

    private readonly Option<string?> _simulate = new("--simulate")
    {
        Description = "The images are photos: make simulated nights of them, new ones each epoch, with these cameras",
        HelpName = $"{string.Join('|', SimulatedCamera.PresetNames)}|FILE.json,…",
    };

    private readonly Option<LogRange?> _darkness = NightOption.Darkness();
    private readonly Option<LogRange?> _noise = NightOption.Noise();
    private readonly Option<bool> _neutral = NightOption.NeutralLight();

    private readonly Option<int?> _epochs = NumberOption.Whole("--epochs", "Passes over the images", "N");
    private readonly Option<int?> _batch = NumberOption.Whole("--batch", "Images a step", "N");
    private readonly Option<double?> _rate = NumberOption.Optional("--rate", "Learning rate of Adam", "RATE");
    private readonly Option<Schedule?> _schedule = Choice.Optional(
        "--schedule", "How the rate falls: in steps, or along a cosine", ("steps", Schedule.Steps), ("cosine", Schedule.Cosine));
    private readonly Option<int?> _warmUp = NumberOption.Whole("--warm-up", "Steps over which the rate rises at the start", "N");
    private readonly Option<double?> _clip = NumberOption.Optional("--clip", "Longest gradient; 0 leaves it alone", "NORM");
    private readonly Option<double?> _averaging = NumberOption.Optional(
        "--averaging", "Share of the old in the moving average of the weights; 0 averages nothing", "DECAY");
    private readonly Option<GenIspInitialization?> _initialization = Choice.Optional(
        "--initialization", "How the network begins",
        ("default", GenIspInitialization.Default), ("identity", GenIspInitialization.Identity));
    private readonly Option<CstDirection?> _cst = Choice.Optional(
        "--cst", "Use of the colour matrix",
        ("inverse", CstDirection.Inverse), ("direct", CstDirection.Direct), ("none", CstDirection.None));
    private readonly Option<SizeLimit?> _maxSize = new("--max-size")
    {
        Description = "Size of the developed pictures; the detector's own unless given",
        HelpName = "LONGxSHORT",
        CustomParser = result =>
        {
            if (SizeLimit.TryParse(result.Tokens[0].Value, out var size))
                return size;
            result.AddError($"'{result.Tokens[0].Value}' is no size such as 1333x800, with sides from 1 to 32768.");
            return null;
        },
    };

    private readonly Option<bool?> _antialias = new("--antialias")
    {
        Description = "Average the pictures where they shrink, or with false sample them",
        HelpName = "true|false",
        Arity = ArgumentArity.ZeroOrOne,
    };

    private readonly Option<double?> _flip = NumberOption.Optional("--flip", "How often images are mirrored, 0 to 1", "SHARE");
    private readonly Option<double?> _brightness = NumberOption.Optional("--brightness", "Jitter of brightness, 0 to 1", "SHARE");
    private readonly Option<double?> _contrast = NumberOption.Optional("--contrast", "Jitter of contrast, 0 to 1", "SHARE");
    private readonly Option<BoxLoss?> _boxLoss = Choice.Optional(
        "--box-loss", "The loss of boxes", ("smooth-l1", BoxLoss.SmoothL1), ("l1", BoxLoss.L1), ("giou", BoxLoss.GIoU));
    private readonly Option<double?> _colorLoss = NumberOption.Optional("--color-loss", "Weight of the gray-world term", "WEIGHT");
    private readonly Option<long?> _seed = new("--seed")
    {
        Description = "The same seed and options give the same weights",
        HelpName = "N",
    };

    private enum Recipe
    {
        Paper,
        Night,
    }

    public void AddTo(Command command)
    {
        foreach (var option in new Option[]
        {
            _recipe, _file, _detector, _precision, _images, _annotations, _validationImages, _validationAnnotations, _interval, _simulate,
            _darkness, _noise, _neutral, _epochs, _batch, _rate, _schedule, _warmUp, _clip, _averaging, _initialization, _cst, _maxSize,
            _antialias, _flip, _brightness, _contrast, _boxLoss, _colorLoss, _seed,
        })
        {
            command.Add(option);
        }
        _simulate.CompletionSources.Add([.. SimulatedCamera.PresetNames]);
    }

    /// <summary>The options that a command line means.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="resumed">Those of the run to go on with, or null.</param>
    /// <exception cref="GenIspException">The file can't be read, or a value is out of range.</exception>
    public TrainingOptions Apply(ParseResult parsed, TrainingOptions? resumed)
    {
        var recipe = parsed.GetValue(_recipe) switch
        {
            Recipe.Paper => TrainingOptions.Paper,
            Recipe.Night => TrainingOptions.Night,
            _ => null,
        };
        var start = parsed.GetValue(_file) is { } file
            ? TrainingOptionsFile.Read(file, recipe)
            : recipe ?? resumed ?? TrainingOptions.Paper;
        return start with
        {
            Detector = parsed.GetValue(_detector) ?? start.Detector,
            Precision = parsed.GetValue(_precision) ?? start.Precision,
            Images = parsed.GetValue(_images) ?? start.Images,
            Annotations = parsed.GetValue(_annotations) ?? start.Annotations,
            ValidationImages = parsed.GetValue(_validationImages) ?? start.ValidationImages,
            ValidationAnnotations = parsed.GetValue(_validationAnnotations) ?? start.ValidationAnnotations,
            ValidationInterval = parsed.GetValue(_interval) ?? start.ValidationInterval,
            Simulation = Simulation(parsed, start.Simulation),
            Epochs = parsed.GetValue(_epochs) ?? start.Epochs,
            BatchSize = parsed.GetValue(_batch) ?? start.BatchSize,
            LearningRate = parsed.GetValue(_rate) ?? start.LearningRate,
            Schedule = parsed.GetValue(_schedule) ?? start.Schedule,
            WarmUpSteps = parsed.GetValue(_warmUp) ?? start.WarmUpSteps,
            ClipNorm = parsed.GetValue(_clip) ?? start.ClipNorm,
            AveragingDecay = parsed.GetValue(_averaging) ?? start.AveragingDecay,
            Initialization = parsed.GetValue(_initialization) ?? start.Initialization,
            Network = start.Network with
            {
                Cst = parsed.GetValue(_cst) ?? start.Network.Cst,
                MaxSize = parsed.GetValue(_maxSize) ?? start.Network.MaxSize,
                Antialias = parsed.GetValue(_antialias) ?? start.Network.Antialias,
            },
            FlipProbability = parsed.GetValue(_flip) ?? start.FlipProbability,
            Brightness = parsed.GetValue(_brightness) ?? start.Brightness,
            Contrast = parsed.GetValue(_contrast) ?? start.Contrast,
            Loss = start.Loss with { BoxLoss = parsed.GetValue(_boxLoss) ?? start.Loss.BoxLoss },
            ColorLossWeight = parsed.GetValue(_colorLoss) ?? start.ColorLossWeight,
            Seed = parsed.GetValue(_seed) ?? start.Seed,
        };
    }

    private NightSimulation? Simulation(ParseResult parsed, NightSimulation? start)
    {
        if (parsed.GetValue(_simulate) is { } cameras)
        {
            start = (start ?? new NightSimulation()) with
            {
                Cameras = cameras.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries),
            };
        }
        Option[] nights = [_darkness, _noise, _neutral];
        if (start is null)
        {
            return nights.FirstOrDefault(option => parsed.GetResult(option) is { Implicit: false }) is { } orphan
                ? throw new GenIspException($"{orphan.Name} is for simulated nights: add --simulate CAMERA.")
                : null;
        }
        return start with
        {
            Night = start.Night with
            {
                Darkness = parsed.GetValue(_darkness) ?? start.Night.Darkness,
                ShotNoise = parsed.GetValue(_noise) ?? start.Night.ShotNoise,
                Illuminant = start.Night.Illuminant && !parsed.GetValue(_neutral),
            },
        };
    }

    private static Option<string?> Text(string name, string description, string value) =>
        new(name) { Description = description, HelpName = value };
}
