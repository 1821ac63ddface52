namespace GenIsp.Raw;

/// <summary>
/// What the sensor's numbers mean, in raw units: a pixel of colour c is (raw − black_c) / (white − black_c) of full exposure.
/// </summary>
/// <param name="BlackR">Black of red.</param>
/// <param name="BlackG1">Black of the green in red rows.</param>
/// <param name="BlackG2">Black of the green in blue rows.</param>
/// <param name="BlackB">Black of blue.</param>
/// <param name="White">Where every colour saturates.</param>
public readonly record struct SensorLevels(double BlackR, double BlackG1, double BlackG2, double BlackB, double White)
{
    /// <summary>The same black for all colours.</summary>
    public SensorLevels(double black, double white)
        : this(black, black, black, black, white)
    {
    }

    /// <summary>The black of one colour.</summary>
    public double Black(CfaColor color) => color switch
    {
        CfaColor.R => BlackR,
        CfaColor.G1 => BlackG1,
        CfaColor.G2 => BlackG2,
        _ => BlackB,
    };

    /// <summary>Black as [R, G1, G2, B].</summary>
    public double[] ToBlackArray() => [BlackR, BlackG1, BlackG2, BlackB];
}
