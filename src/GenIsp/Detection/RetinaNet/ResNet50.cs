using GenIsp.Isp.Kernels;
using static TorchSharp.torch;

namespace GenIsp.Detection.RetinaNet;

/// <summary>
/// ResNet-50 (arXiv 1512.03385) without its classifier, with the stride in the 3×3 convolutions. Gives C3, C4 and C5: 512, 1024 and 2048
/// channels at strides 8, 16 and 32.
/// </summary>
internal sealed class ResNet50
{
    private const string Name = "backbone.body";

    private readonly FrozenConvolution _stem;
    private readonly Bottleneck[][] _layers;

    public ResNet50(RetinaNetWeights weights)
    {
        _stem = weights.ConvolutionWithNorm($"{Name}.conv1", $"{Name}.bn1", 3, 64, kernel: 7, stride: 2);
        _layers =
        [
            Layer(weights, 1, inputs: 64, width: 64, blocks: 3, stride: 1),
            Layer(weights, 2, inputs: 256, width: 128, blocks: 4, stride: 2),
            Layer(weights, 3, inputs: 512, width: 256, blocks: 6, stride: 2),
            Layer(weights, 4, inputs: 1024, width: 512, blocks: 3, stride: 2),
        ];
    }

    /// <param name="images">[N, 3, H, W], channels-last.</param>
    /// <returns>In the caller's dispose scope, channels-last.</returns>
    public IReadOnlyList<Tensor> Forward(Tensor images)
    {
        using var scope = NewDisposeScope();
        var features = nn.functional.max_pool2d(_stem.Forward(images, activation: Activation.Relu), 3, stride: 2, padding: 1);
        var levels = new List<Tensor>();
        foreach (var layer in _layers)
        {
            foreach (var block in layer)
                features = block.Forward(features);
            levels.Add(features);
        }
        return [.. levels.Skip(1).Select(level => level.MoveToOuterDisposeScope())];
    }

    private static Bottleneck[] Layer(RetinaNetWeights weights, int number, int inputs, int width, int blocks, int stride) =>
    [
        .. Enumerable.Range(0, blocks).Select(block => new Bottleneck(
            weights, $"{Name}.layer{number}.{block}", block == 0 ? inputs : Bottleneck.Expansion * width, width, block == 0 ? stride : 1)),
    ];

    private sealed class Bottleneck
    {
        public const int Expansion = 4;

        private readonly FrozenConvolution _narrow;
        private readonly FrozenConvolution _spatial;
        private readonly FrozenConvolution _wide;
        private readonly FrozenConvolution? _shortcut;

        public Bottleneck(RetinaNetWeights weights, string name, int inputs, int width, int stride)
        {
            var outputs = Expansion * width;
            _narrow = weights.ConvolutionWithNorm($"{name}.conv1", $"{name}.bn1", inputs, width, kernel: 1);
            _spatial = weights.ConvolutionWithNorm($"{name}.conv2", $"{name}.bn2", width, width, kernel: 3, stride);
            _wide = weights.ConvolutionWithNorm($"{name}.conv3", $"{name}.bn3", width, outputs, kernel: 1);
            if (inputs != outputs)
                _shortcut = weights.ConvolutionWithNorm($"{name}.downsample.0", $"{name}.downsample.1", inputs, outputs, kernel: 1, stride);
        }

        public Tensor Forward(Tensor input)
        {
            using var scope = NewDisposeScope();
            var spatial = _spatial.Forward(_narrow.Forward(input, activation: Activation.Relu), activation: Activation.Relu);
            return _wide.Forward(spatial, addend: _shortcut?.Forward(input) ?? input, activation: Activation.Relu).MoveToOuterDisposeScope();
        }
    }
}
