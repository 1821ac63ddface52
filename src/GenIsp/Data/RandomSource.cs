namespace GenIsp.Data;

/// <summary>
/// Random numbers that a seed determines for good: they do not change with the version of .NET, as <see cref="Random"/>'s may, or with
/// the machine, but for the last bit of its logarithm. The generator is SplitMix64 (Steele, Lea and Flood, OOPSLA 2014): its outputs are
/// a hash of a counter.
/// </summary>
internal struct RandomSource(ulong seed)
{
    private ulong _counter = seed;

    /// <summary>64 random bits.</summary>
    public ulong NextBits()
    {
        _counter += 0x9e3779b97f4a7c15;
        var z = _counter;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
        z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
        return z ^ (z >> 31);
    }

    /// <summary>Uniform in [<paramref name="min"/>, <paramref name="max"/>).</summary>
    public double NextUniform(double min, double max) => min + (max - min) * NextUnit();

    /// <summary>Its logarithm is uniform in the range.</summary>
    public double NextLogUniform(LogRange range) => range.Min * Math.Exp(NextUniform(0, Math.Log(range.Max / range.Min)));

    /// <summary>
    /// Standard normal, by the ziggurat of Marsaglia and Tsang (2000) with Doornik's (2005) separate bits for layer and place: the area
    /// under the bell curve is cut into 256 layers of equal area, and nearly always the point drawn lies safely inside its layer.
    /// </summary>
    public double NextNormal()
    {
        while (true)
        {
            var bits = NextBits();
            var layer = (int)(bits & 0xff);
            var place = (long)bits >> 11; // −2^52 .. 2^52, from other bits than the layer
            var x = place * Ziggurat.Scales[layer];
            if (Math.Abs(x) < Ziggurat.Edges[layer + 1])
                return x;
            if (layer == 0)
                return NextTail(negative: place < 0);
            // In the strip between the layer's inner and outer edge: below the curve, or not?
            var (outer, inner) = (Ziggurat.Heights[layer], Ziggurat.Heights[layer + 1]);
            if (outer + NextUnit() * (inner - outer) < Math.Exp(-0.5 * x * x))
                return x;
        }
    }

    // [0, 1), with 53 bits.
    private double NextUnit() => (NextBits() >> 11) * (1.0 / (1L << 53));

    // Marsaglia's method for what lies beyond the last layer's edge.
    private double NextTail(bool negative)
    {
        double x, y;
        do
        {
            x = -Math.Log(1 - NextUnit()) / Ziggurat.LastEdge;
            y = -Math.Log(1 - NextUnit());
        }
        while (y + y < x * x);
        return negative ? -(Ziggurat.LastEdge + x) : Ziggurat.LastEdge + x;
    }

    private static class Ziggurat
    {
        /// <summary>Where the tail begins, for 256 layers.</summary>
        public const double LastEdge = 3.6541528853610088;

        private const int Layers = 256;

        // Of each layer: LastEdge · f(LastEdge) + the tail, with f(x) = exp(−x²/2).
        private const double Area = 0.004928673233974658;

        static Ziggurat()
        {
            // Layer 0 holds the tail: as a rectangle of the same area it would be wider than LastEdge.
            Edges[0] = Area / Height(LastEdge);
            Edges[1] = LastEdge;
            for (var i = 2; i < Layers; i++)
                Edges[i] = Math.Sqrt(-2 * Math.Log(Area / Edges[i - 1] + Height(Edges[i - 1])));
            Edges[Layers] = 0;
            for (var i = 0; i <= Layers; i++)
            {
                Heights[i] = Height(Edges[i]);
                Scales[i] = Edges[i] / (1L << 52);
            }
        }

        /// <summary>The right edge of each layer, from the widest to the top, which is 0.</summary>
        public static double[] Edges { get; } = new double[Layers + 1];

        public static double[] Heights { get; } = new double[Layers + 1];

        public static double[] Scales { get; } = new double[Layers + 1];

        private static double Height(double x) => Math.Exp(-0.5 * x * x);
    }
}
