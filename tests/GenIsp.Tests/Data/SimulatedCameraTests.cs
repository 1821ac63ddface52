using GenIsp.Data;
using GenIsp.Geometry;
using GenIsp.Raw;

namespace GenIsp.Tests.Data;

public sealed class SimulatedCameraTests : IDisposable
{
    private const string Good =
        """
        {"name": "Lantern", "cfa": "gbrg", "black": [1, 2, 3, 4.5], "white": 4095,
         "bits": 12, "xyz_to_camera": [[1, 0, 0], [0, 2, 0], [0, 0, 0.5]]}
        """;

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void The_cameras_of_RAW_NOD_need_no_file()
    {
        SimulatedCamera.Load("sony-rx100m7").Levels.ShouldBe(new SensorLevels(800, 16300));
        var nikon = SimulatedCamera.Load("NIKON-D750");
        nikon.ShouldBe(new SimulatedCamera(
            "Nikon D750", BayerPattern.Rggb, new SensorLevels(600, 15520), 14, KnownCameras.Find("Nikon D750")!.XyzToCamera));
    }

    [Fact]
    public void A_file_describes_any_other_camera()
    {
        Load(Good).ShouldBe(new SimulatedCamera(
            "Lantern", BayerPattern.Gbrg, new SensorLevels(1, 2, 3, 4.5, 4095), 12, Matrix3.Diagonal(new Vector3(1, 2, 0.5))));
        Load(Good.Replace("\"name\": \"Lantern\", ", "").Replace("[1, 2, 3, 4.5]", "64")).ShouldBe(new SimulatedCamera(
            "camera", BayerPattern.Gbrg, new SensorLevels(64, 4095), 12, Matrix3.Diagonal(new Vector3(1, 2, 0.5))));
    }

    [Theory]
    [InlineData("\"bits\": 12", "\"bits\": 17", "\"bits\" is 17, but must be 8 to 16")]
    [InlineData("\"bits\": 12, ", "", "\"bits\" is missing")]
    [InlineData("\"white\": 4095", "\"white\": 4096", "\"white\" is 4096, but must be above 0 and at most 4095")]
    [InlineData("\"white\": 4095,", "", "\"white\" is missing")]
    [InlineData("\"gbrg\"", "\"GRB\"", "\"cfa\" is \"GRB\", but must be one of RGGB, GRBG, GBRG, BGGR")]
    [InlineData("[1, 2, 3, 4.5]", "4095", "\"black\" is 4095, but must be at least 0 and below white")]
    [InlineData("[1, 2, 3, 4.5]", "-1", "\"black\" is -1")]
    [InlineData("[1, 2, 3, 4.5]", "[1, 2, 3]", "one number or [r, g1, g2, b]")]
    [InlineData("[1, 2, 3, 4.5]", "1e999", "one number or [r, g1, g2, b]")]
    [InlineData("[0, 2, 0]", "[1, 0, 0]", "neither zero nor singular")]
    [InlineData("[0, 2, 0], ", "", "3 rows of 3 numbers")]
    [InlineData("[0, 2, 0]", "null", "3 rows of 3 numbers")]
    [InlineData("\"bits\"", "\"bit_depth\"", "bit_depth")]
    [InlineData("\"bits\": 12", "\"bits\": \"twelve\"", "but must be a whole number")]
    [InlineData("}", "", "is not JSON, at line 2")]
    public void What_is_wrong_in_a_file_is_said(string from, string to, string message)
    {
        var error = Should.Throw<GenIspException>(() => Load(Good.Replace(from, to))).Message;
        error.ShouldContain(message);
        error.ShouldContain("camera.json");
    }

    [Fact]
    public void A_camera_that_is_neither_a_name_nor_a_file_is_said_with_the_names()
    {
        Should.Throw<GenIspException>(() => SimulatedCamera.Load("leica")).Message
            .ShouldBe("There is no camera \"leica\": it is none of sony-rx100m7, nikon-d750, and no such file exists.");
    }

    private SimulatedCamera Load(string json)
    {
        File.WriteAllText(_folder["camera.json"], json);
        return SimulatedCamera.Load(_folder["camera.json"]);
    }
}
