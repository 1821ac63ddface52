using System.Collections.Concurrent;
using GenIsp.Isp;
using static TorchSharp.torch;

namespace GenIsp.Detection.Frozen;

/// <summary>
/// A frozen network of layers that libtorch has no part in, with a gradient to its image: one operation, there and back. A hundred
/// operations of libtorch's, each with tensors and a gradient of its own, take longer to begin than to compute.
/// </summary>
internal sealed unsafe class FrozenNetwork : IDisposable
{
    private readonly List<Stage> _stages = [];
    private readonly List<ImageShape> _shapes;
    private readonly List<(int Image, long[] Shape)> _results = [];

    // Of ways that are over. Each has one for itself, so several threads may run.
    private readonly ConcurrentBag<Workspace> _workspaces = [];
    private bool _isDisposed;

    /// <param name="input">
    /// Of its image, [1, C, H, W], which is image number 0 and lies plane by plane: it is for <see cref="PlanarLayer"/>s.
    /// </param>
    public FrozenNetwork(ImageShape input) => _shapes = [input];

    /// <summary>How large an image is.</summary>
    public ImageShape ShapeOf(int image) => _shapes[image];

    /// <summary>Goes on with a layer.</summary>
    /// <param name="layer">It.</param>
    /// <param name="images">The numbers of the images that it works on.</param>
    /// <returns>Those of the images that it makes.</returns>
    public int[] Add(ILayer layer, params int[] images)
    {
        if (images.Contains(0) != layer is PlanarLayer)
            throw new ArgumentException("The input lies plane by plane, and no other image does.", nameof(images));
        int[] results = [.. Enumerable.Range(_shapes.Count, layer.Results.Count)];
        _shapes.AddRange(layer.Results);
        _stages.Add(new Stage(layer, images, results));
        return results;
    }

    /// <summary>Makes an image a result. After all layers are added; there must be one.</summary>
    /// <param name="image">Its number; not 0.</param>
    /// <param name="shape">Of the result: [1, C, H, W], which is channels-last, or [1, H · W, C].</param>
    public void Return(int image, long[] shape)
    {
        if (image == 0 || _results.Any(result => result.Image == image))
            throw new ArgumentException("The input is no result, and no image is one twice.", nameof(image));
        _results.Add((image, shape));
        // After its last stage an image is free; a result never is.
        var needed = _results.Select(result => result.Image).Append(0).ToHashSet();
        foreach (var stage in _stages.AsEnumerable().Reverse())
            stage.Last = [.. stage.Images.Concat(stage.Results).Where(needed.Add)];
    }

    /// <summary>All of it.</summary>
    /// <param name="image">[1, C, H, W], contiguous float32 on the processor.</param>
    /// <returns>The results, with a gradient to the image if that requires one; in the caller's dispose scope.</returns>
    /// <exception cref="ObjectDisposedException">The network is gone.</exception>
    public IReadOnlyList<Tensor> Run(Tensor image)
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        if (is_grad_enabled() && image.requires_grad)
            return Apart(Passage.apply(image, this));
        using var way = new Way(this);
        return Apart(way.There(image, keeps: false));
    }

    public void Dispose()
    {
        _isDisposed = true;
        while (_workspaces.TryTake(out var workspace))
            workspace.Dispose();
    }

    // One operation has one result, of which these are parts. (Of several, TorchSharp ends the process where one has no gradient.)
    private List<Tensor> Apart(Tensor all)
    {
        if (_results.Count == 1)
            return [all];
        using var scope = NewDisposeScope();
        long first = 0;
        List<Tensor> parts = [];
        foreach (var (image, shape) in _results)
        {
            var (channels, height, width) = _shapes[image];
            var part = all.narrow(0, first, _shapes[image].Count);
            part = shape.Length == 4 ? part.view(1, height, width, channels).permute(0, 3, 1, 2) : part.view(shape);
            parts.Add(part.MoveToOuterDisposeScope());
            first += _shapes[image].Count;
        }
        return parts;
    }

    // Of one result its own, in its order; of several all their numbers.
    private Tensor Empty() => _results is [(_, var shape)]
        ? shape.Length == 4 ? Pixels.Empty(shape) : empty(shape, dtype: ScalarType.Float32)
        : empty(_results.Sum(result => _shapes[result.Image].Count), dtype: ScalarType.Float32);

    // One layer in its place.
    private sealed class Stage(ILayer layer, int[] images, int[] results)
    {
        public ILayer Layer { get; } = layer;

        public int[] Images { get; } = images;

        public int[] Results { get; } = results;

        // The images that no later stage works on.
        public int[] Last { get; set; } = [];
    }

    // A way there, and its way back.
    private sealed class Way(FrozenNetwork network) : IDisposable
    {
        private readonly FrozenNetwork _network = network;
        private readonly Workspace _workspace = network._workspaces.TryTake(out var used) ? used : new Workspace();
        private readonly nint[] _kept = new nint[network._stages.Count];

        // Whether what was kept is gone.
        public bool IsOver { get; private set; }

        public Tensor There(Tensor image, bool keeps)
        {
            var images = new Pixels[_network._shapes.Count];
            images[0] = Of(0, image.Pointer<float>());
            var result = _network.Empty();
            var next = (float*)result.Address();
            foreach (var (number, _) in _network._results)
            {
                images[number] = Of(number, next);
                next += images[number].Count;
            }
            foreach (var (i, stage) in _network._stages.Index())
            {
                foreach (var number in stage.Results.Where(number => images[number].IsNothing))
                    images[number] = Of(number, _workspace.Take(_network._shapes[number].Count));
                if (keeps)
                    stage.Layer.PrepareBack();
                if (keeps && stage.Layer.Kept > 0)
                    _kept[i] = (nint)_workspace.Take(stage.Layer.Kept);
                stage.Layer.Forward(
                    [.. stage.Images.Select(number => images[number])], [.. stage.Results.Select(number => images[number])], (float*)_kept[i]);
                foreach (var number in stage.Last)
                    _workspace.Free(images[number].At(0, 0));
            }
            GC.KeepAlive(image);
            GC.KeepAlive(result);
            return result;
        }

        public Tensor Back(Tensor gradient)
        {
            ObjectDisposedException.ThrowIf(_network._isDisposed, _network);
            var (channels, height, width) = _network._shapes[0];
            var result = empty([1, channels, height, width], dtype: ScalarType.Float32);
            var own = result.Pointer<float>();
            var isSet = false;
            var images = new Pixels[_network._shapes.Count];
            using var inOrder = gradient.dim() == 4 ? Pixels.ChannelsLast(gradient) : gradient.contiguous();
            var next = (float*)inOrder.Address();
            foreach (var (number, _) in _network._results)
            {
                images[number] = Of(number, _workspace.Take(_network._shapes[number].Count));
                Elementwise.Copy(Of(number, next), images[number]);
                next += images[number].Count;
            }
            for (var i = _network._stages.Count - 1; i >= 0; i--)
            {
                var stage = _network._stages[i];
                if (stage.Results.Any(number => !images[number].IsNothing))
                {
                    foreach (var number in stage.Results.Where(number => images[number].IsNothing))
                    {
                        images[number] = Of(number, _workspace.Take(_network._shapes[number].Count));
                        images[number].Clear();
                    }
                    Pixels[] made =
                    [
                        .. stage.Images.Select(number => Of(
                            number, number == 0 && !isSet ? own : _workspace.Take(_network._shapes[number].Count))),
                    ];
                    stage.Layer.Back([.. stage.Results.Select(number => images[number])], (float*)_kept[i], made);
                    foreach (var number in stage.Results)
                        _workspace.Free(images[number].At(0, 0));
                    foreach (var (number, ofImage) in stage.Images.Zip(made))
                    {
                        isSet |= number == 0;
                        if (images[number].IsNothing)
                        {
                            images[number] = ofImage;
                            continue;
                        }
                        Elementwise.Add(images[number], ofImage, images[number]);
                        _workspace.Free(ofImage.At(0, 0));
                    }
                }
                if (_kept[i] != 0)
                    _workspace.Free((float*)_kept[i]);
            }
            if (!isSet)
                result.zero_();
            GC.KeepAlive(result);
            return result;
        }

        // A tensor may be gone back through never; then the collector finds the workspace.
        public void Dispose()
        {
            if (IsOver)
                return;
            IsOver = true;
            _workspace.FreeAll();
            if (_network._isDisposed)
                _workspace.Dispose();
            else
                _network._workspaces.Add(_workspace);
        }

        private Pixels Of(int number, float* first)
        {
            var (channels, height, width) = _network._shapes[number];
            return new Pixels(first, channels, height, width);
        }
    }

    private sealed class Passage : autograd.SingleTensorFunction<Passage>
    {
        public override string Name => nameof(FrozenNetwork);

        public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
        {
            var (image, network) = ((Tensor)vars[0], (FrozenNetwork)vars[1]);
            var way = new Way(network);
            try
            {
                var result = way.There(image, keeps: true);
                ctx.save_data("network", network);
                ctx.save_data("way", way);
                ctx.save_for_backward([image]);
                return result;
            }
            catch
            {
                way.Dispose();
                throw;
            }
        }

        public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
        {
            var way = (Way)ctx.get_data("way");
            if (!way.IsOver)
            {
                using (way)
                    return [way.Back(grad_output), null!];
            }
            // Somebody comes back a second time, which is rare: what was kept is made again.
            using var scope = NewDisposeScope();
            using var again = new Way((FrozenNetwork)ctx.get_data("network"));
            again.There(ctx.get_saved_variables()[0], keeps: true);
            return [again.Back(grad_output).MoveToOuterDisposeScope(), null!];
        }
    }
}
