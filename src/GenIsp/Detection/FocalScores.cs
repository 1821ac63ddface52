using System.Numerics;
using System.Runtime.CompilerServices;
using static GenIsp.VectorMath;
using static TorchSharp.torch;

namespace GenIsp.Detection;

/// <summary>In what form a detector gives its scores to <see cref="FocalLoss{TScore}"/>.</summary>
internal interface IFocalScore
{
    /// <summary>α (1 − p_t)^γ (−ln p_t) of some scores.</summary>
    /// <param name="score">What the detector gives.</param>
    /// <param name="isPositive">Whether they are of the right classes: p_t is p, else 1 − p.</param>
    /// <param name="alpha">α_t.</param>
    /// <param name="gamma">γ.</param>
    /// <param name="slope">Its derivative by the score.</param>
    static abstract Vector<float> Loss(Vector<float> score, bool isPositive, float alpha, float gamma, out Vector<float> slope);

    /// <summary>The sum of all in libtorch's operations; see <see cref="DetectionLoss.FocalOfLogits"/>.</summary>
    static abstract Tensor Plain(Tensor scores, Tensor positive, DetectionLossOptions options);
}

/// <summary>p = sigmoid(score): 1 − p_t = sigmoid(u) and −ln p_t = softplus(u), where u is −score for the right classes, else the score.</summary>
internal readonly struct Logit : IFocalScore
{
    public static Tensor Plain(Tensor scores, Tensor positive, DetectionLossOptions options) =>
        DetectionLoss.FocalOfLogits(scores, positive, options);

    // α w^γ s with w = sigmoid(u) and s = softplus(u), ln w = u − s; and its derivative, α w^γ (γ (1 − w) s + w).
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<float> Loss(Vector<float> score, bool isPositive, float alpha, float gamma, out Vector<float> slope)
    {
        var u = isPositive ? -score : score;
        var e = Exp(-Vector.Abs(u));
        var log = LogOfOnePlus(e);
        var s = Vector.Max(u, Vector<float>.Zero) + log;
        var whole = Vector<float>.One + e;
        var isAbove = Vector.GreaterThanOrEqual(u, Vector<float>.Zero);
        var w = Vector.ConditionalSelect(isAbove, Vector<float>.One, e) / whole;
        var other = Vector.ConditionalSelect(isAbove, e, Vector<float>.One) / whole;
        var least = Vector.Max(Vector.Min(u, Vector<float>.Zero), new Vector<float>(LeastPower));
        var weight = (gamma == 2 ? w * w : Exp((least - log) * gamma)) * alpha;
        slope = weight * (other * s * gamma + w);
        slope = isPositive ? -slope : slope;
        return weight * s;
    }
}

/// <summary>p = score, held in <see cref="DetectionLoss.LeastProbability"/>..<see cref="DetectionLoss.LargestProbability"/>.</summary>
internal readonly struct Probability : IFocalScore
{
    public static Tensor Plain(Tensor scores, Tensor positive, DetectionLossOptions options) =>
        DetectionLoss.FocalOfProbabilities(scores, positive, options);

    // α w^γ s with w = 1 − p_t and s = −ln p_t; and its derivative by w, α (γ w^γ / w · s + w^γ / p_t).
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<float> Loss(Vector<float> score, bool isPositive, float alpha, float gamma, out Vector<float> slope)
    {
        Vector<float> least = new((float)DetectionLoss.LeastProbability), largest = new((float)DetectionLoss.LargestProbability);
        var held = Vector.Min(Vector.Max(score, least), largest);
        var other = Vector<float>.One - held;
        var (right, wrong) = isPositive ? (held, other) : (other, held);
        var s = -Log(right);
        var power = (gamma == 2 ? wrong * wrong : Exp(Log(wrong) * gamma)) * alpha;
        slope = power * (s * gamma / wrong + Vector<float>.One / right);
        slope = Vector.ConditionalSelect(Vector.Equals(held, score), isPositive ? -slope : slope, Vector<float>.Zero);
        return power * s;
    }
}
