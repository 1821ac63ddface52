using GenIsp.Color;
using GenIsp.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace GenIsp.Isp;

/// <summary>ISPs by name, and GenISP's weights in files.</summary>
public static class IspFile
{
    /// <summary>The network that ships with the library: <c>models/genisp-night.safetensors</c>, with its model card beside it.</summary>
    public const string Shipped = "genisp";

    /// <summary>In a training run's folder: the network of the epoch with the highest AP.</summary>
    internal const string BestOfRun = "best.safetensors";

    /// <summary>In a training run's folder: the network as it is now.</summary>
    internal const string LastOfRun = "last.safetensors";

    // What training leaves in its folder, the better first.
    private static readonly string[] RunFiles = [BestOfRun, LastOfRun];

    // The three files of the Delft reproduction, and the module that each belongs to.
    private static readonly (string File, string Prefix)[] DelftFiles =
    [
        ("convwb_model.pth", "conv_wb."), ("convcc_model.pth", "conv_cc."), ("shallowconv_model.pth", "shallow."),
    ];

    /// <summary>
    /// The ISP of a name: <c>linear</c>, <c>classical</c>, <c>genisp</c> (<see cref="Shipped"/>), a <c>.safetensors</c> file that says it
    /// holds GenISP, the folder of a training run, or a folder with the three <c>.pth</c> files of the Delft reproduction.
    /// </summary>
    /// <param name="isp">The name.</param>
    /// <param name="cst">The colour space of a GenISP network, if not what its file says.</param>
    /// <param name="classical">How <c>classical</c> develops; its defaults if null.</param>
    /// <param name="device">
    /// Where a GenISP network computes: on the processor without libtorch (<see cref="FusedGenIsp"/>), and so if null; elsewhere in libtorch
    /// (<see cref="GenIspModel"/>).
    /// </param>
    /// <exception cref="GenIspException">There is no such ISP, or its weights do not fit.</exception>
    public static IIsp Load(string isp, CstDirection? cst = null, ClassicalOptions? classical = null, Device? device = null)
    {
        switch (isp)
        {
            case "linear":
                return new LinearIsp();
            case "classical":
                return new ClassicalIsp(classical);
            case var _ when device is { type: not DeviceType.CPU }:
                return LoadModel(isp, cst).to(device);
            default:
                var (weights, options) = Read(isp, cst);
                return new FusedGenIsp(weights, options, isp);
        }
    }

    /// <summary>
    /// A GenISP network as a libtorch module, to be trained or looked into; <see cref="Load"/>'s develops faster, and without libtorch.
    /// </summary>
    /// <param name="isp">As for <see cref="Load"/>, but a network.</param>
    /// <param name="cst">The colour space, if not what its file says.</param>
    /// <exception cref="GenIspException">There is no such network, or its weights do not fit.</exception>
    public static GenIspModel LoadModel(string isp, CstDirection? cst = null)
    {
        var (weights, options) = Read(isp, cst);
        var model = new GenIspModel(options);
        try
        {
            weights.CopyTo(model, isp);
            model.eval();
            return model;
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }

    /// <summary>Writes a network's weights as float32, with its options in the metadata.</summary>
    /// <exception cref="GenIspException">The file can't be written.</exception>
    public static void Save(string path, GenIspModel model)
    {
        var weights = StateDict.From(model);
        AddOptions(weights, model.Options);
        SafetensorsFile.Write(path, weights);
    }

    /// <summary>The tensors of a GenISP network with its options in the metadata, from any of its forms.</summary>
    /// <param name="isp"><c>genisp</c>, a <c>.safetensors</c> file, a training run's folder, or one with the Delft reproduction's files.</param>
    /// <exception cref="GenIspException">There is no such file, or it can't be read.</exception>
    public static StateDict ReadWeights(string isp)
    {
        if (isp == Shipped)
        {
            using var file = typeof(IspFile).Assembly.GetManifestResourceStream("GenIsp.models.genisp-night.safetensors")!;
            return SafetensorsFile.Read(file, isp);
        }
        if (Directory.Exists(isp))
        {
            return RunFiles.Select(file => Path.Combine(isp, file)).FirstOrDefault(File.Exists) is { } run
                ? WeightsFile.Read(run)
                : ReadDelft(isp);
        }
        if (!File.Exists(isp))
        {
            throw new GenIspException(
                $"There is no ISP \"{isp}\": it is none of linear, classical and genisp, and no such file or folder exists.");
        }
        return WeightsFile.Read(isp);
    }

    private static (StateDict Weights, GenIspOptions Options) Read(string isp, CstDirection? cst)
    {
        var weights = ReadWeights(isp);
        var options = GenIspOptions.FromMetadata(weights.Metadata, isp);
        return (weights, options with { Cst = cst ?? options.Cst });
    }

    private static StateDict ReadDelft(string folder)
    {
        var missing = DelftFiles.Where(part => !File.Exists(Path.Combine(folder, part.File))).Select(part => part.File).ToList();
        if (missing.Count > 0)
            throw new GenIspException($"The folder {folder} holds no ISP: {string.Join(", ", missing)} missing.");
        var weights = new StateDict();
        foreach (var (file, prefix) in DelftFiles)
        {
            foreach (var (name, tensor) in WeightsFile.Read(Path.Combine(folder, file)))
                weights[prefix + name] = tensor;
        }
        // No shape reveals the pools. These are the ones of the reproduction's code.
        AddOptions(weights, new GenIspOptions { Pools = [4, 3, 2] });
        return weights;
    }

    private static void AddOptions(StateDict weights, GenIspOptions options)
    {
        foreach (var (key, value) in options.ToMetadata())
            weights.Metadata[key] = value;
    }
}
