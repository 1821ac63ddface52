using CsCheck;
using GenIsp.Detection;
using TorchSharp;
using static TorchSharp.torch;

namespace GenIsp.Tests.Detection;

public sealed class FocalLossTests : IDisposable
{
    private readonly DisposeScope _scope = NewDisposeScope();

    public void Dispose() => _scope.Dispose();

    // Exponentials and logarithms of our own to a few float32 roundings, relative to the largest element; a sum of up to 3000 of them.
    [Fact]
    public void Loss_and_gradient_are_those_of_the_plain_form_in_float64() =>
        Gen.Select(
            Gen.Int[1, 200], Gen.Int[1, 15], OneOf(0, 1, 1.5, 2, 5), OneOf(0.25, 0.6, 1), OneOf(0.01, 3, 200), Gen.Int[0, 1 << 30])
            .Sample(
                (anchors, columns, gamma, alpha, spread, seed) =>
                {
                    using var scope = NewDisposeScope();
                    var classes = Classes(anchors, columns, seed);
                    var options = new DetectionLossOptions { Alpha = alpha, Gamma = gamma };
                    random.manual_seed(seed);
                    var logits = randn(anchors, columns).Times(spread).requires_grad_();
                    var loss = FocalLoss.Sum(logits, classes, options);
                    loss.Times(3).backward();

                    var exact = logits.detach().to_type(ScalarType.Float64).requires_grad_();
                    var kept = Enumerable.Range(0, anchors).Where(anchor => classes[anchor] != AnchorMatcher.Between).ToArray();
                    var positive = zeros(anchors, columns, dtype: ScalarType.Bool);
                    foreach (var anchor in kept.Where(anchor => classes[anchor] >= 0))
                        positive[anchor, classes[anchor]] = tensor(true);
                    var rows = tensor(Array.ConvertAll(kept, anchor => (long)anchor));
                    var reference = DetectionLoss.FocalOfLogits(exact.index_select(0, rows), positive.index_select(0, rows), options);
                    reference.Times(3).backward();

                    var expected = reference.ReadCpuDouble(0);
                    ((double)loss.Value()).ShouldBe(expected, 1e-6 * expected + 1e-12);
                    var gradient = logits.grad!.to_type(ScalarType.Float64);
                    var largest = exact.grad!.abs().max().ReadCpuDouble(0);
                    (gradient - exact.grad!).abs().max().ReadCpuDouble(0).ShouldBeLessThanOrEqualTo(1e-6 * largest + 1e-12);
                },
                iter: 200);

    [Fact]
    public void Without_a_gradient_the_loss_is_the_same()
    {
        var classes = Classes(300, 7, seed: 4);
        var logits = randn(300, 7);
        var learning = FocalLoss.Sum(logits.alias().requires_grad_(), classes, new DetectionLossOptions());
        FocalLoss.Sum(logits, classes, new DetectionLossOptions()).Value().ShouldBe(learning.Value());
    }

    [Fact]
    public void A_score_that_is_no_number_makes_the_loss_none()
    {
        var logits = zeros(3, 2);
        logits[1, 1] = tensor(float.NaN);
        FocalLoss.Sum(logits, [-1, 0, -1], new DetectionLossOptions()).Value().ShouldBe(float.NaN);
        FocalLoss.Sum(logits, [-1, AnchorMatcher.Between, -1], new DetectionLossOptions()).Value().ShouldBeGreaterThan(0);
    }

    [Theory]
    [InlineData(new[] { 0, 7 }), InlineData(new[] { 0 }), InlineData(new[] { 0, -3 })]
    public void Classes_that_are_none_are_refused(int[] classes) =>
        Should.Throw<ArgumentException>(() => FocalLoss.Sum(zeros(2, 7), classes, new DetectionLossOptions())).Message.ShouldContain("[2, 7]");

    private static Gen<double> OneOf(params double[] values) => Gen.Int[0, values.Length - 1].Select(i => values[i]);

    // Most stand for nothing, some for a class, some are not asked.
    private static int[] Classes(int anchors, int columns, int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, anchors).Select(_ => random.Next(10) switch
        {
            0 => AnchorMatcher.Between,
            < 3 => random.Next(columns),
            _ => AnchorMatcher.Background,
        })];
    }
}
