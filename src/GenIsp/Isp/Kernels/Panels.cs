using System.Runtime.CompilerServices;
using GenIsp.Isp.Fused;

namespace GenIsp.Isp.Kernels;

/// <summary>
/// Products with a matrix that is known beforehand: it lies in panels as wide as <see cref="Products{TSimd, TVector}"/> takes, so that the
/// numbers are read in the order of memory. Columns are filled up with zeros. A matrix of no more columns than AVX-512 has places takes one
/// panel of a single vector.
/// </summary>
internal static unsafe class Panels<TSimd, TVector>
    where TSimd : struct, ISimd<TVector>
    where TVector : struct
{
    // So many rows of a panel stay in the first cache.
    private const int Depth = 256;

    /// <summary>Columns of a panel, unless there is only a narrow one.</summary>
    public static int Width => 2 * TSimd.Count;

    /// <summary>Columns with those of zeros.</summary>
    public static int PaddedColumns(int columns)
    {
        var width = TSimd.Count == 16 && columns <= TSimd.Count ? TSimd.Count : Width;
        return (columns + width - 1) / width * width;
    }

    /// <summary>Rows that are multiplied together: all counts of rows are multiples of it.</summary>
    /// <param name="columns">Of the matrix, padded.</param>
    public static int Rows(int columns) => Products<TSimd, TVector>.Step(columns);

    /// <summary>Rows with those that are computed for nothing.</summary>
    /// <param name="rows">Without.</param>
    /// <param name="columns">Of the matrix, padded.</param>
    public static int PaddedRows(int rows, int columns) => (rows + Rows(columns) - 1) / Rows(columns) * Rows(columns);

    /// <summary>Puts a matrix into panels.</summary>
    /// <param name="matrix">[depth, columns].</param>
    /// <param name="depth">Its rows.</param>
    /// <param name="columns">Its columns.</param>
    /// <param name="panels">[padded columns / width, depth, width].</param>
    public static void Pack(ReadOnlySpan<float> matrix, int depth, int columns, Span<float> panels)
    {
        var panel = Math.Min(Width, PaddedColumns(columns));
        for (var start = 0; start < columns; start += panel)
        {
            var width = Math.Min(panel, columns - start);
            for (var row = 0; row < depth; row++)
            {
                var to = panels.Slice(start * depth + row * panel, panel);
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
    /// <param name="columns">Padded.</param>
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
        var width = Math.Min(Width, columns);
        for (var done = from; done < to; done += Depth)
        {
            var taps = Math.Min(Depth, to - done);
            for (var column = 0; column < columns; column += width)
            {
                var panel = panels + (nint)column * depth + done * width;
                if (done == 0)
                    Products<TSimd, TVector>.Run(values, step, rows, offsets, taps, panel, width, start + column, 1, result + column, resultStep);
                else
                {
                    Products<TSimd, TVector>.Run(
                        values + done - from, step, rows, offsets, taps, panel, width, result + column, 1, result + column, resultStep, resultStep);
                }
            }
        }
    }

    /// <summary>The same of values that lie elsewhere than side by side.</summary>
    /// <param name="values">Of the first row.</param>
    /// <param name="step">From one row's values to the next's.</param>
    /// <param name="rows">A multiple of <see cref="Rows"/>.</param>
    /// <param name="offsets">[depth]: where a row's values lie.</param>
    /// <param name="panels">Of <see cref="Pack"/>.</param>
    /// <param name="depth">Rows of the matrix.</param>
    /// <param name="columns">Padded.</param>
    /// <param name="start">[columns].</param>
    /// <param name="result">[rows, columns].</param>
    /// <param name="resultStep">From one row of it to the next.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Multiply(
        float* values, nint step, int rows, int* offsets, float* panels, int depth, int columns, float* start, float* result, nint resultStep)
    {
        var width = Math.Min(Width, columns);
        for (var done = 0; done < depth; done += Depth)
        {
            for (var column = 0; column < columns; column += width)
            {
                Products<TSimd, TVector>.Run(
                    values, step, rows, offsets + done, Math.Min(Depth, depth - done), panels + (nint)column * depth + done * width, width,
                    done == 0 ? start + column : result + column, 1, result + column, resultStep, done == 0 ? 0 : resultStep);
            }
        }
    }
}
