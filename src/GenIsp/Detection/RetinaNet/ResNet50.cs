using TorchSharp.Modules;
using static TorchSharp.torch;

namespace GenIsp.Detection.RetinaNet;

/// <summary>
/// ResNet-50 (arXiv 1512.03385) without its classifier, with the stride in the 3×3 convolutions. Gives C3, C4 and C5: 512, 1024 and 2048
/// channels at strides 8, 16 and 32.
/// </summary>
internal sealed class ResNet50 : NamedModule<Tensor, IReadOnlyList<Tensor>>
{
    private readonly Conv2d _conv1;
    private readonly FrozenBatchNorm2d _bn1;
    private readonly Sequential _layer1;
    private readonly Sequential _layer2;
    private readonly Sequential _layer3;
    private readonly Sequential _layer4;

    public ResNet50(double epsilon) : base(nameof(ResNet50))
    {
        _conv1 = Register("conv1", nn.Conv2d(3, 64, kernel_size: 7, stride: 2, padding: 3, bias: false));
        _bn1 = Register("bn1", new FrozenBatchNorm2d(64, epsilon));
        _layer1 = Register("layer1", Layer(64, 64, blocks: 3, stride: 1, epsilon));
        _layer2 = Register("layer2", Layer(256, 128, blocks: 4, stride: 2, epsilon));
        _layer3 = Register("layer3", Layer(512, 256, blocks: 6, stride: 2, epsilon));
        _layer4 = Register("layer4", Layer(1024, 512, blocks: 3, stride: 2, epsilon));
    }

    public override IReadOnlyList<Tensor> forward(Tensor images)
    {
        using var scope = NewDisposeScope();
        var stem = _bn1.forward(_conv1.forward(images)).relu_();
        var c2 = _layer1.forward(nn.functional.max_pool2d(stem, 3, stride: 2, padding: 1));
        var c3 = _layer2.forward(c2);
        var c4 = _layer3.forward(c3);
        var c5 = _layer4.forward(c4);
        return [c3.MoveToOuterDisposeScope(), c4.MoveToOuterDisposeScope(), c5.MoveToOuterDisposeScope()];
    }

    private static Sequential Layer(int inputs, int width, int blocks, int stride, double epsilon) =>
        nn.Sequential(Enumerable.Range(0, blocks).Select(block => (
            $"{block}",
            (nn.Module<Tensor, Tensor>)new Bottleneck(
                block == 0 ? inputs : Bottleneck.Expansion * width, width, block == 0 ? stride : 1, epsilon))));

    private sealed class Bottleneck : NamedModule<Tensor, Tensor>
    {
        public const int Expansion = 4;

        private readonly Conv2d _conv1;
        private readonly FrozenBatchNorm2d _bn1;
        private readonly Conv2d _conv2;
        private readonly FrozenBatchNorm2d _bn2;
        private readonly Conv2d _conv3;
        private readonly FrozenBatchNorm2d _bn3;
        private readonly Sequential? _downsample;

        public Bottleneck(int inputs, int width, int stride, double epsilon) : base(nameof(Bottleneck))
        {
            var outputs = Expansion * width;
            _conv1 = Register("conv1", nn.Conv2d(inputs, width, kernel_size: 1, bias: false));
            _bn1 = Register("bn1", new FrozenBatchNorm2d(width, epsilon));
            _conv2 = Register("conv2", nn.Conv2d(width, width, kernel_size: 3, stride: stride, padding: 1, bias: false));
            _bn2 = Register("bn2", new FrozenBatchNorm2d(width, epsilon));
            _conv3 = Register("conv3", nn.Conv2d(width, outputs, kernel_size: 1, bias: false));
            _bn3 = Register("bn3", new FrozenBatchNorm2d(outputs, epsilon));
            if (inputs != outputs)
            {
                _downsample = Register("downsample", nn.Sequential(
                    ("0", nn.Conv2d(inputs, outputs, kernel_size: 1, stride: stride, bias: false)),
                    ("1", new FrozenBatchNorm2d(outputs, epsilon))));
            }
        }

        public override Tensor forward(Tensor input)
        {
            using var scope = NewDisposeScope();
            var narrow = _bn1.forward(_conv1.forward(input)).relu_();
            var spatial = _bn2.forward(_conv2.forward(narrow)).relu_();
            var residual = _bn3.forward(_conv3.forward(spatial));
            var sum = residual.PlusInPlace(_downsample is null ? input : _downsample.forward(input));
            return sum.relu_().MoveToOuterDisposeScope();
        }
    }
}
