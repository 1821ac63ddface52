using System.Buffers.Binary;
using System.Globalization;
using GenIsp.Imaging;
using GenIsp.Training.Logging.Proto;
using Google.Protobuf;
using SkiaSharp;

namespace GenIsp.Training.Logging;

/// <summary>
/// Writes one of TensorBoard's event files: TFRecord frames, each with an Event message
/// (https://www.tensorflow.org/tutorials/load_data/tfrecord#tfrecords_format_details).
/// </summary>
internal sealed class EventFile : IDisposable
{
    private const int Rgb = 3;

    private readonly LogStream _file;
    private readonly TimeProvider _time;

    private EventFile(LogStream file, TimeProvider time) => (_file, _time) = (file, time);

    /// <summary>The file.</summary>
    public string Path => _file.Path;

    /// <summary>Begins a new file; TensorBoard shows all files of a folder as one run.</summary>
    /// <param name="folder">The run's folder; it is made if it isn't there.</param>
    /// <param name="firstStep">The first step to be written: TensorBoard forgets it and later ones of the folder's older files.</param>
    /// <param name="time">The clock of the events.</param>
    /// <exception cref="GenIspException">The folder can't be written to.</exception>
    public static EventFile Open(string folder, long firstStep, TimeProvider time)
    {
        var file = new EventFile(new LogStream(NewPath(folder, time.GetUtcNow().ToUnixTimeSeconds()), FileMode.CreateNew), time);
        file.Write(0, new Event { FileVersion = "brain.Event:2" });
        if (firstStep > 0)
            file.Write(firstStep, new Event { SessionLog = new SessionLog { Status = SessionLog.Types.SessionStatus.Start } });
        file.Flush();
        return file;
    }

    /// <summary>Writes figures, as float32; a slash in a tag makes a group.</summary>
    /// <exception cref="GenIspException">The file can't be written.</exception>
    public void Scalars(long step, params ReadOnlySpan<(string Tag, double Value)> scalars)
    {
        var summary = new Summary();
        foreach (var (tag, value) in scalars)
            summary.Value.Add(new Value { Tag = tag, SimpleValue = (float)value });
        Write(step, new Event { Summary = summary });
    }

    /// <summary>Writes a picture, its values clamped to 0..1, as 8-bit PNG. TensorBoard shows one a tag and step.</summary>
    /// <exception cref="GenIspException">The file can't be written.</exception>
    public void Image(long step, string tag, RgbImage picture)
    {
        using var bitmap = PictureFile.ToBitmap(picture);
        using var png = PictureFile.Encode(Path, bitmap, SKEncodedImageFormat.Png, 100);
        var image = new Proto.Image
        {
            Height = picture.Height,
            Width = picture.Width,
            Colorspace = Rgb,
            EncodedImageString = ByteString.CopyFrom(png.Span),
        };
        Write(step, new Event { Summary = new Summary { Value = { new Value { Tag = tag, Image = image } } } });
    }

    /// <summary>Lets readers see everything so far.</summary>
    /// <exception cref="GenIspException">The file can't be written.</exception>
    public void Flush() => _file.Flush();

    /// <exception cref="GenIspException">The file can't be written.</exception>
    public void Dispose() => _file.Dispose();

    // TensorBoard reads a folder's files in the order of their names, and what is to be forgotten must be in an earlier one:
    // the seconds grow even if the clock does not. Where other writers put the machine's name and the process, there is only "genisp".
    private static string NewPath(string folder, long seconds)
    {
        const string Prefix = "events.out.tfevents.";
        try
        {
            Directory.CreateDirectory(folder);
            foreach (var path in Directory.EnumerateFiles(folder, Prefix + "*"))
            {
                var digits = System.IO.Path.GetFileName(path)[Prefix.Length..].Split('.')[0];
                if (long.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var taken) && taken >= seconds)
                    seconds = taken + 1;
            }
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new GenIspException($"{folder} can't be written to: {error.Message}", error);
        }
        return System.IO.Path.Combine(folder, string.Create(CultureInfo.InvariantCulture, $"{Prefix}{seconds:D10}.genisp"));
    }

    private void Write(long step, Event message)
    {
        message.WallTime = _time.GetUtcNow().ToUnixTimeMilliseconds() / 1000.0;
        message.Step = step;
        _file.Write(Frame(message.ToByteArray()));
    }

    // Length, its checksum, the bytes, their checksum.
    private static byte[] Frame(ReadOnlySpan<byte> data)
    {
        const int Before = sizeof(ulong) + sizeof(uint);
        var frame = new byte[Before + data.Length + sizeof(uint)];
        BinaryPrimitives.WriteUInt64LittleEndian(frame, (ulong)data.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(frame.AsSpan(sizeof(ulong)), Crc32C.Masked(frame.AsSpan(0, sizeof(ulong))));
        data.CopyTo(frame.AsSpan(Before));
        BinaryPrimitives.WriteUInt32LittleEndian(frame.AsSpan(Before + data.Length), Crc32C.Masked(data));
        return frame;
    }
}
