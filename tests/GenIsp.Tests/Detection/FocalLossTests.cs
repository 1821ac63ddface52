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
                    var loss = FocalLoss<Logit>.Sum(logits, classes, options);
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

    // Near 0 and 1 too, and beyond what they are held in. The complement of a probability is float32's on both sides.
    [Fact]
    public void Loss_and_gradient_of_probabilities_are_those_of_the_plain_form() =>
        Gen.Select(
            Gen.Int[1, 200], Gen.Int[1, 15], OneOf(0, 1, 1.5, 2, 5), OneOf(0.25, 0.6, 1), OneOf(0.01, 3, 40), Gen.Int[0, 1 << 30])
            .Sample(
                (points, columns, gamma, alpha, spread, seed) =>
                {
                    using var scope = NewDisposeScope();
                    var classes = Classes(points, columns, seed);
                    var options = new DetectionLossOptions { Alpha = alpha, Gamma = gamma };
                    random.manual_seed(seed);
                    // Every second column of a wider output, as detectors give them.
                    var wide = randn(points, 2 * columns).Times(spread).sigmoid().requires_grad_();
                    var same = wide.detach().requires_grad_();
                    var loss = FocalLoss<Probability>.Sum(wide.slice(1, 0, 2 * columns, 2), classes, options);
                    loss.Times(3).backward();

                    var kept = Enumerable.Range(0, points).Where(point => classes[point] != AnchorMatcher.Between).ToArray();
                    var rows = tensor(Array.ConvertAll(kept, point => (long)point));
                    var chosen = same.slice(1, 0, 2 * columns, 2).index_select(0, rows);
                    var positive = DetectionLoss.OneHot(
                        chosen, kept.Index().Where(one => classes[one.Item] >= 0).Select(one => (one.Index, classes[one.Item])));
                    var reference = DetectionLoss.FocalOfProbabilities(chosen, positive, options);
                    reference.Times(3).backward();

                    var expected = reference.ReadCpuSingle(0);
                    loss.Value().ShouldBe(expected, 1e-5f * expected + 1e-10f);
                    var allowed = same.grad!.abs().Times(1e-5).Plus(1e-10);
                    ((wide.grad! - same.grad!).abs() - allowed).max().ReadCpuSingle(0).ShouldBeLessThanOrEqualTo(0);
                },
                iter: 200);

    [Fact]
    public void Without_a_gradient_the_loss_is_the_same()
    {
        var classes = Classes(300, 7, seed: 4);
        var logits = randn(300, 7);
        var learning = FocalLoss<Logit>.Sum(logits.alias().requires_grad_(), classes, new DetectionLossOptions());
        FocalLoss<Logit>.Sum(logits, classes, new DetectionLossOptions()).Value().ShouldBe(learning.Value());
    }

    [Fact]
    public void A_score_that_is_no_number_makes_the_loss_none()
    {
        var logits = zeros(3, 2);
        logits[1, 1] = tensor(float.NaN);
        FocalLoss<Logit>.Sum(logits, [-1, 0, -1], new DetectionLossOptions()).Value().ShouldBe(float.NaN);
        FocalLoss<Logit>.Sum(logits, [-1, AnchorMatcher.Between, -1], new DetectionLossOptions()).Value().ShouldBeGreaterThan(0);
    }

    [Theory]
    [InlineData(new[] { 0, 7 }), InlineData(new[] { 0 }), InlineData(new[] { 0, -3 })]
    public void Classes_that_are_none_are_refused(int[] classes) =>
        Should.Throw<ArgumentException>(() => FocalLoss<Logit>.Sum(zeros(2, 7), classes, new DetectionLossOptions())).Message.ShouldContain("[2, 7]");

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
