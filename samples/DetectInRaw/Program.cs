using GenIsp.Color;
using GenIsp.Detection;
using GenIsp.Isp;
using GenIsp.Raw;
using TorchSharp;

if (args is not [var photo, var weights, .. var rest])
{
    Console.Error.WriteLine("Usage: DetectInRaw PHOTO DETECTOR [genisp|classical|FILE.safetensors]");
    return 2;
}
using var isp = IspFile.Load(rest.FirstOrDefault() ?? "genisp");
using var detector = DetectorFile.Load(weights);

var sensor = RawReader.Read(photo);
var linear = LinearPipeline.ToLinear(sensor, isp.Input);
var picture = isp.Develop(linear);

using var image = torch.tensor(picture.Pixels.ToArray(), [3, picture.Height, picture.Width]);
foreach (var found in detector.Detect([image], scoreThreshold: 0.3f)[0])
{
    var box = picture.Frame.ToSource(found.Box);
    Console.WriteLine($"{found.Category.Name} {found.Score:0.00} [{box.X1:0}, {box.Y1:0}, {box.Width:0}, {box.Height:0}]");
}
return 0;
