using GenIsp.Detection;
using static TorchSharp.torch;

namespace GenIsp.Tests.Detection;

public sealed class BoxCoderTests
{
    // Sums, products, logarithms and exponentials in float32; numbers up to 5000.
    private const double Tolerance = 2e-6;

    [Fact]
    public void Offsets_are_torchvisions()
    {
        using var scope = NewDisposeScope();
        ShouldAgree(BoxCoder.Encode(Boxes("boxes"), Boxes("anchors")), RetinaNetReference.Instance.BoxCoder.Encoded);
    }

    [Fact]
    public void Boxes_are_torchvisions_also_beyond_the_bound_of_the_scale()
    {
        using var scope = NewDisposeScope();
        var offsets = tensor(PseudoWeights.Between("offsets", 400, -5, 5), [100, 4], dtype: ScalarType.Float32);

        ShouldAgree(BoxCoder.Decode(offsets, Boxes("anchors")), RetinaNetReference.Instance.BoxCoder.Decoded);
    }

    [Fact]
    public void Decoding_undoes_encoding()
    {
        using var scope = NewDisposeScope();
        var (boxes, anchors) = (Boxes("boxes"), Boxes("anchors"));

        var back = BoxCoder.Decode(BoxCoder.Encode(boxes, anchors), anchors);

        (back - boxes).abs().max().item<float>().ShouldBeLessThan(1e-4f);
    }

    [Fact]
    public void A_gradient_flows_to_the_offsets()
    {
        using var scope = NewDisposeScope();
        var offsets = zeros([100, 4], dtype: ScalarType.Float32, requires_grad: true);

        BoxCoder.Decode(offsets, Boxes("anchors")).sum().backward();

        // The sum of a box's edges is twice its centre: its size has no influence.
        (offsets.grad![.., 0] > 0).all().item<bool>().ShouldBeTrue();
        offsets.grad![.., 2].abs().max().item<float>().ShouldBeLessThan(1e-4f);
    }

    private static Tensor Boxes(string name)
    {
        Tensor Edge(string part, float low, float high) =>
            tensor(PseudoWeights.Between($"{name}.{part}", 100, low, high), dtype: ScalarType.Float32);
        var (x, y) = (Edge("x", 0, 50), Edge("y", 0, 50));
        return stack([x, y, x + Edge("w", 1, 60), y + Edge("h", 1, 60)], dim: 1);
    }

    private static void ShouldAgree(Tensor actual, float[] expected)
    {
        actual.shape.ShouldBe([expected.Length / 4, 4]);
        foreach (var (value, reference) in actual.data<float>().ToArray().Zip(expected))
            ((double)value).ShouldBe(reference, Tolerance * Math.Max(1, Math.Abs(reference)));
    }
}
