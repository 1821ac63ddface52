using GenIsp.Color;
using GenIsp.Geometry;
using GenIsp.Imaging;
using GenIsp.Raw;

namespace GenIsp.Data;

/// <summary>
/// Turns an ordinary photo into what a camera's sensor would have recorded of it in the dark. The way back from the photo to the sensor
/// is that of Brooks et al., Unprocessing Images for Learned Raw Denoising (CVPR 2019, arXiv 1811.11127), without the tone curve, which
/// no photo tells; the noise is that of Foi et al., Practical Poissonian-Gaussian Noise Modeling and Fitting for Single-Image Raw-Data
/// (IEEE TIP 17(10), 2008), in its normal approximation.
/// </summary>
public static class LowLightSimulator
{
    /// <summary>
    /// Each pixel becomes one Bayer cell: inverse sRGB curve → linear light → XYZ → camera RGB under the night's light → 1/k exposure →
    /// noise of variance s·x + r, independent in every pixel of the mosaic → the camera's black, white and bits. Black lifts what noise
    /// takes below 0, as in a camera; what leaves the raw range is clipped.
    /// </summary>
    /// <remarks>
    /// All four pixels of a cell see the photo's one pixel (a nearest upsampling by 2). So packing, which averages the greens and takes
    /// red and blue as they are, gives back that pixel exactly, and detail and boxes stay where they were; with a smoother upsampling,
    /// red, green and blue would see different places, and packing would blur. What this can't show is the aliasing of a real mosaic.
    /// </remarks>
    /// <param name="photo">sRGB code values, 0..1; clamped.</param>
    /// <param name="camera">The camera that is simulated.</param>
    /// <param name="night">How dark and noisy; see <see cref="NightParameters.Draw"/>.</param>
    /// <param name="noiseSeed">The same seed gives the same noise, whatever the night.</param>
    /// <param name="source">The file's name, for messages.</param>
    /// <returns>
    /// A mosaic of twice the photo's width and height, upright, with the camera's matrix and levels. Its as-shot white balance is the
    /// truth: it makes gray what is gray in the photo.
    /// </returns>
    /// <exception cref="GenIspException">The photo is too large for a mosaic of twice its size.</exception>
    public static SensorImage Simulate(
        RgbImage photo, SimulatedCamera camera, NightParameters night, ulong noiseSeed, string source = "simulated night")
    {
        var (width, height) = (photo.Width, photo.Height);
        if (4L * width * height > MosaicSidecar.MaxPixels)
        {
            throw new GenIspException(
                $"{source}: {width}×{height} pixels are too many to simulate a sensor of twice the sides. Shrink the photo.");
        }

        var light = Matrix3.Diagonal(new Vector3(night.RedGain, 1, night.BlueGain)) * camera.XyzToCamera;
        var exposure = 1 / night.Darkness;
        var toCamera = Matrix3.Diagonal(new Vector3(exposure, exposure, exposure)) * light * Srgb.ToXyz;
        var mosaic = GC.AllocateUninitializedArray<ushort>(4 * width * height);
        new Cells(camera, night, noiseSeed).Fill(mosaic, photo, toCamera);

        var neutral = light * Srgb.White;
        return new SensorImage(source, 2 * width, 2 * height, mosaic, camera.Cfa, camera.Levels)
        {
            XyzToCamera = camera.XyzToCamera,
            // A matrix of a file may give white a colour that no light has; then there is no white balance either.
            AsShot = neutral is { X: > 0, Y: > 0, Z: > 0 } ? new WhiteBalance(neutral.Y / neutral.X, neutral.Y / neutral.Z) : null,
            // Under the camera's own name, RAW developers would take their own figures in place of the file's.
            Capture = new CaptureInfo("GenIsp", $"simulated {camera.Name}", null, null),
        };
    }

    private struct Cells
    {
        private readonly float _shot;
        private readonly float _read;
        private readonly int _rawMax;
        private readonly Place _topLeft;
        private readonly Place _topRight;
        private readonly Place _bottomLeft;
        private readonly Place _bottomRight;
        private RandomSource _random;

        public Cells(SimulatedCamera camera, NightParameters night, ulong noiseSeed)
        {
            (_shot, _read) = ((float)night.ShotNoise, (float)night.ReadNoise);
            _rawMax = (1 << camera.Bits) - 1;
            _topLeft = Place.Of(camera, 0, 0);
            _topRight = Place.Of(camera, 1, 0);
            _bottomLeft = Place.Of(camera, 0, 1);
            _bottomRight = Place.Of(camera, 1, 1);
            _random = new RandomSource(noiseSeed);
        }

        public void Fill(Span<ushort> mosaic, RgbImage photo, Matrix3 toCamera)
        {
            var (width, plane) = (photo.Width, photo.Width * photo.Height);
            var red = photo.Pixels.Span[..plane];
            var green = photo.Pixels.Span.Slice(plane, plane);
            var blue = photo.Pixels.Span[(2 * plane)..];
            var (m11, m12, m13) = ((float)toCamera.M11, (float)toCamera.M12, (float)toCamera.M13);
            var (m21, m22, m23) = ((float)toCamera.M21, (float)toCamera.M22, (float)toCamera.M23);
            var (m31, m32, m33) = ((float)toCamera.M31, (float)toCamera.M32, (float)toCamera.M33);
            Span<Light> cell = stackalloc Light[3];
            for (var y = 0; y < photo.Height; y++)
            {
                var upper = mosaic.Slice(4 * y * width, 2 * width);
                var lower = mosaic.Slice((4 * y + 2) * width, 2 * width);
                for (var x = 0; x < width; x++)
                {
                    var i = y * width + x;
                    var (r, g, b) = (Srgb.Decode(red[i]), Srgb.Decode(green[i]), Srgb.Decode(blue[i]));
                    cell[0] = Arriving(m11 * r + m12 * g + m13 * b);
                    cell[1] = Arriving(m21 * r + m22 * g + m23 * b);
                    cell[2] = Arriving(m31 * r + m32 * g + m33 * b);
                    upper[2 * x] = Record(_topLeft, cell[_topLeft.Channel]);
                    upper[2 * x + 1] = Record(_topRight, cell[_topRight.Channel]);
                    lower[2 * x] = Record(_bottomLeft, cell[_bottomLeft.Channel]);
                    lower[2 * x + 1] = Record(_bottomRight, cell[_bottomRight.Channel]);
                }
            }
        }

        private readonly Light Arriving(float mean) => new(mean, MathF.Sqrt(_shot * MathF.Max(0, mean) + _read));

        private ushort Record(Place place, Light light)
        {
            var noisy = light.Mean + light.Deviation * (float)_random.NextNormal();
            return (ushort)Math.Clamp((int)MathF.Floor(place.Black + place.Gain * noisy + 0.5f), 0, _rawMax);
        }

        // What one of the three colours of a cell records, on average and around it; 1 is the sensor's white.
        private readonly record struct Light(float Mean, float Deviation);

        // A place in the Bayer cell: which of camera RGB it records, and in which raw units.
        private readonly record struct Place(int Channel, float Black, float Gain)
        {
            public static Place Of(SimulatedCamera camera, int x, int y)
            {
                var color = camera.Cfa.ColorAt(x, y);
                var black = camera.Levels.Black(color);
                var channel = color switch
                {
                    CfaColor.R => 0,
                    CfaColor.B => 2,
                    _ => 1,
                };
                return new Place(channel, (float)black, (float)(camera.Levels.White - black));
            }
        }
    }
}
