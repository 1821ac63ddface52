using System.Runtime.CompilerServices;
using GenIsp.Color;
using GenIsp.Imaging;
using GenIsp.Isp.Fused;
using GenIsp.Weights;

namespace GenIsp.Isp;

/// <summary>
/// GenISP for use, without libtorch: the same network as <see cref="GenIspModel"/>, in vectors and on all cores, with nothing but input and
/// output in main memory. What it computes differs from float32 PyTorch by less than 1e-3 of the output's range. It can be called from
/// several threads.
/// </summary>
public sealed class FusedGenIsp : IIsp
{
    private readonly ParameterNet _whiteBalance;
    private readonly ParameterNet _colorCorrection;
    private readonly ShallowWeights _shallow;
    private readonly FusedKernels _kernels;
    private readonly ParallelOptions _threads;

    /// <param name="weights">The network's, by the names of <see cref="GenIspModel"/>'s parameters.</param>
    /// <param name="options">What the weights do not show.</param>
    /// <param name="source">The file's name, for the error.</param>
    /// <exception cref="ArgumentException">An option is out of range.</exception>
    /// <exception cref="GenIspException">Names are missing or unexpected, or shapes differ.</exception>
    public FusedGenIsp(StateDict weights, GenIspOptions options, string source)
        : this(weights, options, source, FusedKernels.Best, -1)
    {
    }

    internal FusedGenIsp(StateDict weights, GenIspOptions options, string source, FusedKernels kernels, int threads)
    {
        options.Check();
        weights.Check(GenIspShapes.Of(options), "GenISP", source);
        Options = options;
        _whiteBalance = new ParameterNet(weights, "conv_wb.", options);
        _colorCorrection = new ParameterNet(weights, "conv_cc.", options);
        _shallow = new ShallowWeights(weights);
        _kernels = kernels;
        _threads = new ParallelOptions { MaxDegreeOfParallelism = threads };
    }

    /// <summary>A network in training as it is now.</summary>
    public static FusedGenIsp From(GenIspModel model) => new(StateDict.From(model), model.Options, model.GetName());

    /// <summary>What the weights do not show.</summary>
    public GenIspOptions Options { get; }

    /// <inheritdoc/>
    public CstDirection Cst => Options.Cst;

    /// <inheritdoc/>
    public LinearOptions Input => Options.Input;

    /// <inheritdoc/>
    public RgbImage Develop(LinearImage image) => Develop(image, out _, out _);

    /// <summary>Develops a picture, and tells what ConvWB and ConvCC said of it.</summary>
    /// <param name="image">As for <see cref="Develop(LinearImage)"/>.</param>
    /// <param name="gains">[3].</param>
    /// <param name="matrix">[3, 3], row after row.</param>
    internal unsafe RgbImage Develop(LinearImage image, out float[] gains, out float[] matrix)
    {
        IspInput.Check(image, Cst, "genisp");
        var result = GC.AllocateUninitializedArray<float>(image.Pixels.Length);
        using var input = image.Pixels.Pin();
        using var output = result.AsMemory().Pin();
        LargePages.Advise(output.Pointer, (nint)result.Length * sizeof(float));
        var picture = new LinearPicture((nint)input.Pointer, image.Width, image.Height, []);
        using var small = SmallCopy.Of(picture, _whiteBalance.Border, _threads);
        gains = _kernels.Predict(_whiteBalance, small, _threads);
        Scale(small, gains);
        matrix = _kernels.Predict(_colorCorrection, small, _threads);
        var all = new float[9];
        for (var i = 0; i < all.Length; i++)
            all[i] = matrix[i] * gains[i % 3];
        new ShallowConvolutions(_shallow, Options, _kernels, _threads)
            .Develop(picture with { Matrix = all }, MeanColor(small, matrix), (float*)output.Pointer);
        return new RgbImage(result, image.Frame);
    }

    /// <summary>Nothing to free.</summary>
    public void Dispose()
    {
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Scale(FeatureMap small, float[] gains)
    {
        for (var y = 0; y < small.Height; y++)
        {
            var row = small.Row(y);
            for (var i = 0; i < row.Length; i++)
                row[i] *= gains[i % 3];
        }
    }

    private static double[] MeanColor(FeatureMap small, float[] matrix)
    {
        var means = small.Means();
        return [.. matrix.Chunk(3).Select(row => row[0] * means[0] + row[1] * means[1] + row[2] * means[2])];
    }
}
