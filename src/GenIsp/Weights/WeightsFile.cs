using System.Buffers.Binary;
using System.Text;

namespace GenIsp.Weights;

/// <summary>The formats in which weights come.</summary>
public enum WeightsFormat
{
    /// <summary>A safetensors file.</summary>
    Safetensors,

    /// <summary>A PyTorch checkpoint: a zip archive (since PyTorch 1.6), or a sequence of pickles (before).</summary>
    PyTorch,

    /// <summary>An ONNX model, whose initializers are its weights.</summary>
    Onnx,
}

/// <summary>Files of nothing but named tensors; those in ONNX models are <c>OnnxFile</c>'s.</summary>
public static class WeightsFile
{
    /// <summary>Reads all tensors of a file, whose format is told by its content.</summary>
    /// <exception cref="GenIspException">The file can't be read, is no weights file, or is damaged.</exception>
    public static StateDict Read(string path) => FormatOf(path) switch
    {
        WeightsFormat.Safetensors => SafetensorsFile.Read(path),
        WeightsFormat.PyTorch => PthFile.Read(path),
        _ => throw new GenIspException(
            $"{path} is an ONNX model: it can be a detector, but an ISP or a RetinaNet is a .safetensors file or a PyTorch checkpoint."),
    };

    /// <summary>The format of a file, by its first bytes: its name doesn't matter.</summary>
    /// <exception cref="GenIspException">The file can't be read, or has none of the formats.</exception>
    public static WeightsFormat FormatOf(string path)
    {
        using var file = InputFiles.Open(path);
        var start = new byte[64];
        ReadOnlySpan<byte> head = start.AsSpan(0, file.ReadAtLeast(start, start.Length, throwOnEndOfStream: false));
        if (head.IsEmpty)
            throw new GenIspException($"{path} is empty. If it was downloaded, download it again.");
        // Before pickles: a header's length may begin with a pickle's first bytes, but no pickle is a length that fits.
        if (head.Length > 8 && head[8] == (byte)'{' && BinaryPrimitives.ReadInt64LittleEndian(head) is > 0 and var length
            && length <= file.Length - 8)
        {
            return WeightsFormat.Safetensors;
        }
        if (PthFile.IsZip(head) || PthFile.IsPickle(head))
            return WeightsFormat.PyTorch;
        // A protobuf: field 1, the small number of its version, then a length-delimited field or the operator sets.
        if (head.Length > 2 && head[0] == 0x08 && head[1] < 0x20 && (head[2] & 7) == 2)
            return WeightsFormat.Onnx;
        // A safetensors file after all, with a length that lies or data that was cut off: its reader says which.
        if (head.Length > 8 && head[8] == (byte)'{')
            return WeightsFormat.Safetensors;
        throw new GenIspException(
            $"{path} {Describe(head)}. Weights are a .safetensors file, a PyTorch checkpoint (.pth, .pt) or an ONNX model (.onnx).");
    }

    private static string Describe(ReadOnlySpan<byte> head)
    {
        var text = Encoding.Latin1.GetString(head).TrimStart('\u00ef', '\u00bb', '\u00bf', ' ', '\t', '\r', '\n');
        if (text.StartsWith('<'))
            return "is a web page: a download gave it instead of the weights, so download them again";
        if (text.StartsWith("version https://git-lfs", StringComparison.Ordinal))
            return "is a Git LFS pointer, which stands for the weights: fetch them with \"git lfs pull\"";
        return "is no file of weights that can be read here";
    }
}
