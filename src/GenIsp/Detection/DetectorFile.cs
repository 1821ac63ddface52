using GenIsp.Downloads;
using GenIsp.Weights;
using static TorchSharp.torch;

namespace GenIsp.Detection;

/// <summary>Detectors from files.</summary>
public static class DetectorFile
{
    /// <summary>
    /// Loads a detector, whose kind is told by the file's content: an ONNX model of a known convention, or the weights of torchvision's
    /// RetinaNet as a PyTorch checkpoint or safetensors.
    /// </summary>
    /// <param name="file">The file, or the name of downloaded weights such as <c>yolox_nano</c> (<see cref="KnownWeights"/>).</param>
    /// <param name="convention">How an ONNX model's output is to be read; told from the file by default.</param>
    /// <param name="precision">What its convolutions compute in.</param>
    /// <param name="device">Where it computes: on the processor if null.</param>
    /// <exception cref="GenIspException">The file can't be read, is damaged, or holds no such detector.</exception>
    public static Detector Load(
        string file, DetectorConvention convention = DetectorConvention.Auto, DetectorPrecision precision = DetectorPrecision.Float32,
        Device? device = null)
    {
        var path = KnownWeights.Locate(file);
        return WeightsFile.FormatOf(path) == WeightsFormat.Onnx
            ? OnnxDetector.Load(path, convention, precision: precision, device: device)
            : RetinaNet.RetinaNet.FromStateDict(
                WeightsFile.Read(path), path, new RetinaNet.RetinaNetOptions { Precision = precision }, device);
    }
}
