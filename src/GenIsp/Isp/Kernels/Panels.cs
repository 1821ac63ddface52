using System.Runtime.CompilerServices;
using GenIsp.Isp.Fused;

namespace GenIsp.Isp.Kernels;

/// <summary>
/// Products with a matrix that is known beforehand: it lies in panels as wide as <see cref="Products{TSimd, TVector}"/> takes, so that the
/// numbers are read in the order of memory. Columns are filled up with zeros.
/// </summary>
internal static unsafe class Panels<TSimd, TVector>
    where TSimd : struct, ISimd<TVector>
    where TVector : struct
{
    // So many rows of a panel stay in the first cache.
    private const int Depth = 256;

    /// <summary>Columns of a panel.</summary>
    public static int Width => 2 * TSimd.Count;

    /// <summary>Rows that are multiplied together: all counts of rows are multiples of it.</summary>
    public static int Rows { get; } = Products<TSimd, TVector>.Step(2 * TSimd.Count);

    /// <summary>Columns with those of zeros.</summary>
    public static int PaddedColumns(int columns) => (columns + Width - 1) / Width * Width;

    /// <summary>Rows with those that are computed for nothing.</summary>
    public static int PaddedRows(int rows) => (rows + Rows - 1) / Rows * Rows;

    /// <summary>Puts a matrix into panels.</summary>
    /// <param name="matrix">[depth, columns].</param>
    /// <param name="depth">Its rows.</param>
    /// <param name="columns">Its columns.</param>
    /// <param name="panels">[padded columns / width, depth, width].</param>
    public static void Pack(ReadOnlySpan<float> matrix, int depth, int columns, Span<float> panels)
    {
        for (var start = 0; start < columns; start += Width)
        {
            var width = Math.Min(Width, columns - start);
            for (var row = 0; row < depth; row++)
            {
                var to = panels.Slice(start * depth + row * Width, Width);
                matrix.Slice(row * columns + start, width).CopyTo(to);
                to[width..].Clear();
            }
        }
    }

    /// <summary>result = start + values · matrix, or for a part of the matrix's rows.</summary>
    /// <param name="values">[rows, to − from].</param>
    /// <param name="step">From one row of them to the next.</param>
    /// <param name="rows">A multiple of <see cref="Rows"/>.</param>
    /// <param name="panels">Of <see cref="Pack"/>.</param>
    /// <param name="depth">Rows of the matrix.</param>
    /// <param name="from">The first of its rows; if it is not 0, what comes of them is added to the result.</param>
    /// <param name="to">The row after the last.</param>
    /// <param name="columns">A multiple of <see cref="Width"/>.</param>
    /// <param name="start">[columns].</param>
    /// <param name="result">[rows, columns].</param>
    /// <param name="resultStep">From one row of it to the next.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Multiply(
        float* values, nint step, int rows, float* panels, int depth, int from, int to, int columns, float* start, float* result, nint resultStep)
    {
        var offsets = stackalloc int[Depth];
        for (var i = 0; i < Depth; i++)
            offsets[i] = i;
        for (var done = from; done < to; done += Depth)
        {
            var taps = Math.Min(Depth, to - done);
            for (var column = 0; column < columns; column += Width)
            {
                var panel = panels + (nint)column * depth + done * Width;
                if (done == 0)
                    Products<TSimd, TVector>.Run(values, step, rows, offsets, taps, panel, Width, start + column, 1, result + column, resultStep);
                else
                {
                    Products<TSimd, TVector>.Run(
                        values + done - from, step, rows, offsets, taps, panel, Width, result + column, 1, result + column, resultStep, resultStep);
                }
            }
        }
    }
}
