namespace GenIsp.Geometry;

/// <summary>A colour as a column vector of three linear components.</summary>
/// <param name="X">First component: red, or CIE X.</param>
/// <param name="Y">Second component: green, or CIE Y.</param>
/// <param name="Z">Third component: blue, or CIE Z.</param>
public readonly record struct Vector3(double X, double Y, double Z);

/// <summary>A 3×3 matrix that acts on column vectors; <c>M12</c> is in row 1, column 2.</summary>
public readonly record struct Matrix3(
    double M11, double M12, double M13,
    double M21, double M22, double M23,
    double M31, double M32, double M33)
{
    /// <summary>The matrix that changes nothing.</summary>
    public static Matrix3 Identity { get; } = Diagonal(new Vector3(1, 1, 1));

    /// <summary>det M.</summary>
    public double Determinant =>
        M11 * (M22 * M33 - M23 * M32) - M12 * (M21 * M33 - M23 * M31) + M13 * (M21 * M32 - M22 * M31);

    /// <summary>
    /// Whether M has no usable inverse: it is not finite, or its determinant is below 1e-6 of the product of its rows' lengths, so
    /// that an inverse would be noise.
    /// </summary>
    public bool IsSingular
    {
        get
        {
            var rows = Length(M11, M12, M13) * Length(M21, M22, M23) * Length(M31, M32, M33);
            return !double.IsFinite(rows) || Math.Abs(Determinant) <= 1e-6 * rows;
        }
    }

    /// <summary>diag(v).</summary>
    public static Matrix3 Diagonal(Vector3 v) => new(v.X, 0, 0, 0, v.Y, 0, 0, 0, v.Z);

    /// <summary>The matrix with these three rows.</summary>
    /// <exception cref="ArgumentException">Not 3 rows of 3.</exception>
    public static Matrix3 FromRows(IReadOnlyList<IReadOnlyList<double>> rows) =>
        rows.Count == 3 && rows.All(row => row.Count == 3)
            ? new(rows[0][0], rows[0][1], rows[0][2], rows[1][0], rows[1][1], rows[1][2], rows[2][0], rows[2][1], rows[2][2])
            : throw new ArgumentException("A colour matrix has 3 rows of 3 numbers.");

    /// <summary>M·v.</summary>
    public static Vector3 operator *(Matrix3 m, Vector3 v) => new(
        m.M11 * v.X + m.M12 * v.Y + m.M13 * v.Z,
        m.M21 * v.X + m.M22 * v.Y + m.M23 * v.Z,
        m.M31 * v.X + m.M32 * v.Y + m.M33 * v.Z);

    /// <summary>A·B: B acts first.</summary>
    public static Matrix3 operator *(Matrix3 a, Matrix3 b)
    {
        var c1 = a * new Vector3(b.M11, b.M21, b.M31);
        var c2 = a * new Vector3(b.M12, b.M22, b.M32);
        var c3 = a * new Vector3(b.M13, b.M23, b.M33);
        return new(c1.X, c2.X, c3.X, c1.Y, c2.Y, c3.Y, c1.Z, c2.Z, c3.Z);
    }

    /// <summary>M⁻¹, by the adjugate.</summary>
    /// <exception cref="InvalidOperationException">M is singular.</exception>
    public Matrix3 Inverse()
    {
        if (IsSingular)
            throw new InvalidOperationException("A singular matrix has no inverse.");
        var d = 1 / Determinant;
        return new(
            (M22 * M33 - M23 * M32) * d, (M13 * M32 - M12 * M33) * d, (M12 * M23 - M13 * M22) * d,
            (M23 * M31 - M21 * M33) * d, (M11 * M33 - M13 * M31) * d, (M13 * M21 - M11 * M23) * d,
            (M21 * M32 - M22 * M31) * d, (M12 * M31 - M11 * M32) * d, (M11 * M22 - M12 * M21) * d);
    }

    /// <summary>The three rows, as JSON and tables want them.</summary>
    public double[][] ToRows() => [[M11, M12, M13], [M21, M22, M23], [M31, M32, M33]];

    private static double Length(double x, double y, double z) => Math.Sqrt(x * x + y * y + z * z);
}
