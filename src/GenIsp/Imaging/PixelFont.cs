using SkiaSharp;

namespace GenIsp.Imaging;

/// <summary>
/// Capitals, digits and a few signs of 5×7 dots. Labels look the same on every machine, also where no font is installed, as on most
/// servers and in most containers.
/// </summary>
internal static class PixelFont
{
    public const int Height = 7;

    private const int GlyphWidth = 5;
    private const int Advance = GlyphWidth + 1;

    private static readonly (string Characters, string Rows)[] Sheets =
    [
        ("ABCDEFGHI",
            """
            .###. ####. .#### ####. ##### ##### .#### #...# .###.
            #...# #...# #.... #...# #.... #.... #.... #...# ..#..
            #...# #...# #.... #...# #.... #.... #.... #...# ..#..
            ##### ####. #.... #...# ####. ####. #..## ##### ..#..
            #...# #...# #.... #...# #.... #.... #...# #...# ..#..
            #...# #...# #.... #...# #.... #.... #...# #...# ..#..
            #...# ####. .#### ####. ##### #.... .#### #...# .###.
            """),
        ("JKLMNOPQR",
            """
            ..### #...# #.... #...# #...# .###. ####. .###. ####.
            ...#. #..#. #.... ##.## ##..# #...# #...# #...# #...#
            ...#. #.#.. #.... #.#.# #.#.# #...# #...# #...# #...#
            ...#. ##... #.... #.#.# #..## #...# ####. #...# ####.
            ...#. #.#.. #.... #...# #...# #...# #.... #.#.# #.#..
            #..#. #..#. #.... #...# #...# #...# #.... #..#. #..#.
            .##.. #...# ##### #...# #...# .###. #.... .##.# #...#
            """),
        ("STUVWXYZ?",
            """
            .#### ##### #...# #...# #...# #...# #...# ##### .###.
            #.... ..#.. #...# #...# #...# #...# #...# ....# #...#
            #.... ..#.. #...# #...# #...# .#.#. .#.#. ...#. ....#
            .###. ..#.. #...# #...# #.#.# ..#.. ..#.. ..#.. ..##.
            ....# ..#.. #...# #...# #.#.# .#.#. ..#.. .#... ..#..
            ....# ..#.. #...# .#.#. ##.## #...# ..#.. #.... .....
            ####. ..#.. .###. ..#.. #...# #...# ..#.. ##### ..#..
            """),
        ("012345678",
            """
            .###. ..#.. .###. .###. ...#. ##### .###. ##### .###.
            #...# .##.. #...# #...# ..##. #.... #.... ....# #...#
            #..## ..#.. ....# ....# .#.#. ####. #.... ....# #...#
            #.#.# ..#.. ...#. ..##. #..#. ....# ####. ...#. .###.
            ##..# ..#.. ..#.. ....# ##### ....# #...# ..#.. #...#
            #...# ..#.. .#... #...# ...#. #...# #...# ..#.. #...#
            .###. .###. ##### .###. ...#. .###. .###. ..#.. .###.
            """),
        ("9.-: /%_",
            """
            .###. ..... ..... ..... ..... ....# ##..# .....
            #...# ..... ..... ..#.. ..... ....# ##..# .....
            #...# ..... ..... ..#.. ..... ...#. ...#. .....
            .#### ..... .###. ..... ..... ..#.. ..#.. .....
            ....# ..... ..... ..#.. ..... .#... .#... .....
            ....# ..... ..... ..#.. ..... #.... #..## .....
            .###. ..#.. ..... ..... ..... #.... #..## #####
            """),
    ];

    private static readonly Dictionary<char, bool[,]> Glyphs = Cut();

    /// <summary>The width of a text in dots.</summary>
    public static int Measure(string text) => Math.Max(0, text.Length * Advance - 1);

    /// <summary>
    /// Draws a text whose top left is at (<paramref name="x"/>, <paramref name="y"/>), in dots of size <paramref name="dot"/>.
    /// </summary>
    public static void Draw(SKCanvas canvas, string text, float x, float y, float dot, SKPaint ink)
    {
        foreach (var character in text.ToUpperInvariant())
        {
            var glyph = Glyphs.GetValueOrDefault(character) ?? Glyphs['?'];
            for (var row = 0; row < Height; row++)
            {
                for (var column = 0; column < GlyphWidth; column++)
                {
                    if (glyph[row, column])
                        canvas.DrawRect(x + column * dot, y + row * dot, dot, dot, ink);
                }
            }
            x += Advance * dot;
        }
    }

    private static Dictionary<char, bool[,]> Cut()
    {
        var glyphs = new Dictionary<char, bool[,]>();
        foreach (var (characters, text) in Sheets)
        {
            var rows = text.ReplaceLineEndings("\n").Split('\n');
            for (var i = 0; i < characters.Length; i++)
            {
                var glyph = new bool[Height, GlyphWidth];
                for (var row = 0; row < Height; row++)
                {
                    for (var column = 0; column < GlyphWidth; column++)
                        glyph[row, column] = rows[row][i * Advance + column] == '#';
                }
                glyphs[characters[i]] = glyph;
            }
        }
        return glyphs;
    }
}
