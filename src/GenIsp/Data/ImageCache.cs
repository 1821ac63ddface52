using System.Collections.Concurrent;
using System.IO.Enumeration;
using System.IO.MemoryMappedFiles;
using System.Security.Cryptography;
using System.Text;
using GenIsp.Downloads;

namespace GenIsp.Data;

/// <summary>
/// Images that took long to make, kept on the disk for other epochs and runs. Any number of threads and processes may use one folder:
/// files appear whole or not at all. Where they exceed the size, those go first that were used least recently. What goes wrong with the
/// cache's files never ends a run; <see cref="TakeWarning"/> tells it, each kind once. (They are mapped into memory: a disk that fails while
/// one is read ends the process, as it does wherever files are mapped.)
/// </summary>
public sealed class ImageCache
{
    /// <summary>The size unless another is asked for: 4,300 images of 1200×800, more than RAW-NOD has of either camera.</summary>
    public const long DefaultSize = 25_000_000_000;

    private const string Ending = ".image";

    // What shares the disk, such as a run's checkpoints, needs room too.
    private const long LeastFree = 1_000_000_000;

    // Whoever began to write a file this long ago is gone.
    private static readonly TimeSpan Abandoned = TimeSpan.FromHours(1);

    private readonly string _folder;
    private readonly long _size;
    private readonly long _leastFree;
    private readonly DateTime _start = DateTime.UtcNow;
    private readonly ConcurrentQueue<string> _warnings = [];
    private readonly ConcurrentDictionary<Trouble, bool> _told = [];
    private readonly Lock _clearing = new();
    private volatile bool _keepsNoMore;
    private long _room;
    private int _found;
    private int _made;

    /// <param name="folder">Its own; it is made when there is something to keep.</param>
    /// <param name="size">Bytes in all, above 0.</param>
    public ImageCache(string folder, long size)
        : this(folder, size, LeastFree)
    {
    }

    internal ImageCache(string folder, long size, long leastFree) => (_folder, _size, _leastFree) = (folder, size, leastFree);

    private enum Trouble
    {
        Damaged,
        Unwritable,
        Small,
    }

    /// <summary>Where the command keeps images: in the platform's folder for caches.</summary>
    /// <exception cref="GenIspException">The user has no home.</exception>
    public static string DefaultFolder => Path.Combine(CacheFolder.Path, "images");

    /// <summary>Images that were there.</summary>
    public int Found => _found;

    /// <summary>Images that had to be made.</summary>
    public int Made => _made;

    /// <summary>The next thing that went wrong and was not told yet, or null.</summary>
    public string? TakeWarning() => _warnings.TryDequeue(out var text) ? text : null;

    /// <summary>An image that was kept under a key; null if there is none, or it is damaged: then it is gone.</summary>
    internal StoredImage? Find(string key)
    {
        var path = PathOf(key);
        try
        {
            var image = File.Exists(path) ? Read(path) : null;
            Interlocked.Increment(ref image is null ? ref _made : ref _found);
            return image;
        }
        // Between the two, another process may have deleted it.
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or InvalidDataException)
        {
            if (error is not FileNotFoundException)
                Warn(Trouble.Damaged, $"{path} can't be used, and its image is made again: {error.Message}. So are others, if there are any");
            TryDelete(path);
            Interlocked.Increment(ref _made);
            return null;
        }
    }

    /// <summary>Keeps an image: what <see cref="StoredImage.ToBytes"/> made.</summary>
    internal void Keep(string key, byte[] image)
    {
        if (_keepsNoMore || image.Length > _size)
            return;
        try
        {
            Directory.CreateDirectory(_folder);
            DiskSpace.Require(_folder, image.Length + _leastFree, "the cache of images");
            // What is lost with the power is found damaged, and made again.
            AtomicFile.Write(PathOf(key), file => file.Write(image), durable: false);
            MakeRoom(image.Length);
        }
        catch (Exception error) when (error is GenIspException or IOException or UnauthorizedAccessException)
        {
            _keepsNoMore = true;
            Warn(Trouble.Unwritable, $"no more images are kept for the next time: {error.Message}");
        }
    }

    private string PathOf(string key) =>
        Path.Combine(_folder, Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(key))) + Ending);

    private static unsafe StoredImage Read(string path)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete);
        if (file.Length is 0 or > int.MaxValue)
            throw new InvalidDataException($"it has {file.Length} bytes");
        using var map = MemoryMappedFile.CreateFromFile(file, null, 0, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: true);
        using var view = map.CreateViewAccessor(0, file.Length, MemoryMappedFileAccess.Read);
        byte* start = null;
        view.SafeMemoryMappedViewHandle.AcquirePointer(ref start);
        try
        {
            var image = StoredImage.Parse(new ReadOnlySpan<byte>(start + view.PointerOffset, (int)file.Length));
            TryTouch(path);
            return image;
        }
        finally
        {
            view.SafeMemoryMappedViewHandle.ReleasePointer();
        }
    }

    // To look through the folder takes a while, so that is done when an eighth of the room is used up: others may be writing too.
    private void MakeRoom(long written)
    {
        lock (_clearing)
        {
            _room -= written;
            if (_room > 0)
                return;
            foreach (var part in FilesWith(AtomicFile.Ending).Where(part => DateTime.UtcNow - part.LastUsed > Abandoned))
                TryDelete(part.Path);
            var images = FilesWith(Ending).OrderBy(image => image.LastUsed).ToList();
            var total = images.Sum(image => image.Length);
            // A little more, not to be back with the next image.
            var target = total > _size ? _size - _size / 16 : _size;
            foreach (var image in images.TakeWhile(_ => total > target))
            {
                if (image.LastUsed > _start)
                {
                    Warn(Trouble.Small, $"the cache of images, {ByteSize.Text(_size)}, is too small for what is read again and again: give it "
                        + "more (--cache-size), or it is of little use");
                }
                TryDelete(image.Path);
                total -= image.Length;
            }
            _room = (_size - total) / 8;
        }
    }

    // Other processes may delete files meanwhile; of those the length is 0.
    private FileSystemEnumerable<(string Path, long Length, DateTime LastUsed)> FilesWith(string ending) => new(
        _folder, (ref entry) => (entry.ToFullPath(), entry.Length, entry.LastWriteTimeUtc.UtcDateTime))
    {
        ShouldIncludePredicate = (ref entry) => !entry.IsDirectory && entry.FileName.EndsWith(ending),
    };

    // When a file was last used is when it was last written, for many systems do not note when it was read.
    private static void TryTouch(string path)
    {
        try
        {
            File.SetLastWriteTimeUtc(path, DateTime.UtcNow);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // Another user's: it can be read all the same.
        }
    }

    private static void TryDelete(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // In use, on Windows, or another user's.
        }
    }

    private void Warn(Trouble kind, string text)
    {
        if (_told.TryAdd(kind, true))
            _warnings.Enqueue(text);
    }
}
