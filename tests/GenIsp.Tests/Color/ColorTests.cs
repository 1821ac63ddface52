using CsCheck;
using GenIsp.Color;
using GenIsp.Geometry;

namespace GenIsp.Tests.Color;

public sealed class ColorTests
{
    [Fact]
    public void XYZ_to_sRGB_is_the_published_matrix()
    {
        // IEC 61966-2-1, to the four digits that it prints.
        double[] published = [3.2406, -1.5372, -0.4986, -0.9689, 1.8758, 0.0415, 0.0557, -0.2040, 1.0570];

        foreach (var (found, expected) in Srgb.FromXyz.ToRows().SelectMany(row => row).Zip(published))
            found.ShouldBe(expected, 6e-4);
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(0.0031308f, 0.0404500f)]
    [InlineData(0.2140411f, 0.5f)]
    [InlineData(1, 1)]
    [InlineData(-1, 0)]
    [InlineData(7, 1)]
    [InlineData(float.NaN, 0)]
    public void The_curve_is_that_of_sRGB_and_clamps(float linear, float code) => Srgb.Encode(linear).ShouldBe(code, 1e-5f);

    [Fact]
    public void Adaptation_carries_one_white_to_the_other_and_back()
    {
        var (tungsten, day) = (new Vector3(1.0985, 1, 0.3558), Srgb.White);

        var there = ChromaticAdaptation.Between(tungsten, day);
        var back = there * ChromaticAdaptation.Between(day, tungsten);

        (there * tungsten).X.ShouldBe(day.X, 1e-9);
        (there * tungsten).Z.ShouldBe(day.Z, 1e-9);
        foreach (var (found, expected) in back.ToRows().SelectMany(row => row).Zip(Matrix3.Identity.ToRows().SelectMany(row => row)))
            found.ShouldBe(expected, 1e-9);
    }

    [Fact]
    public void The_percentile_is_the_value_at_its_rank_as_if_sorted() =>
        Gen.Select(Gen.Single[-10, 10].Array[1, 300], Gen.Double[0.01, 100]).Sample((values, percent) =>
        {
            var rank = (int)Math.Max(0, Math.Ceiling(percent / 100 * values.Length) - 1);
            Percentile.Of(values, percent).ShouldBe(values.Order().ElementAt(rank));
        });

    [Fact]
    public void A_matrix_times_its_inverse_is_the_identity() =>
        Gen.Double[-3, 3].Array[9].Sample(m =>
        {
            var matrix = new Matrix3(m[0], m[1], m[2], m[3], m[4], m[5], m[6], m[7], m[8]);
            if (Math.Abs(matrix.Determinant) < 0.05)
                return;
            foreach (var (found, expected) in (matrix * matrix.Inverse()).ToRows().SelectMany(row => row)
                .Zip(Matrix3.Identity.ToRows().SelectMany(row => row)))
            {
                found.ShouldBe(expected, 1e-9);
            }
        });

    [Fact]
    public void A_singular_matrix_has_no_inverse()
    {
        var singular = new Matrix3(1, 2, 3, 2, 4, 6, 0, 0, 1);

        singular.IsSingular.ShouldBeTrue();
        default(Matrix3).IsSingular.ShouldBeTrue();
        (Matrix3.Identity with { M11 = double.NaN }).IsSingular.ShouldBeTrue();
        Should.Throw<InvalidOperationException>(() => singular.Inverse());
    }
}
