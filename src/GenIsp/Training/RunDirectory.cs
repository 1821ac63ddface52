using System.Globalization;
using GenIsp.Isp;
using GenIsp.Weights;

namespace GenIsp.Training;

/// <summary>How far a run has come.</summary>
/// <param name="Step">Steps made.</param>
/// <param name="Epochs">Epochs finished, their measurements too.</param>
/// <param name="BestAP">The highest AP so far, or null.</param>
/// <param name="LossSum">Of the steps since the last finished epoch.</param>
internal sealed record RunPosition(long Step, int Epochs, double? BestAP, double LossSum);

/// <summary>
/// The folder of a training run: <c>options.json</c>; <c>last.safetensors</c> and <c>best.safetensors</c>, the ISPs;
/// <c>state.safetensors</c>, with all that going on needs, in one file so that it is whole or absent; and the logs. One process at a time.
/// </summary>
internal sealed class RunDirectory : IDisposable
{
    private const string OptionsFile = "options.json";
    private const string StateFile = "state.safetensors";
    private const string LockFile = ".lock";

    private readonly FileStream _lock;

    private RunDirectory(string path, FileStream @lock) => (Path, _lock) = (path, @lock);

    /// <summary>The folder.</summary>
    public string Path { get; }

    private string State => Join(StateFile);

    /// <summary>Starts a run in a folder that holds none.</summary>
    /// <exception cref="GenIspException">The folder can't be made, is in use, or holds a run.</exception>
    public static RunDirectory Create(string path, TrainingOptions options)
    {
        var run = Claim(path);
        try
        {
            string[] ofARun = [OptionsFile, StateFile, IspFile.BestOfRun, IspFile.LastOfRun];
            if (ofARun.Any(file => File.Exists(run.Join(file))))
                throw new GenIspException($"{path} holds a training run already. Go on with it by --resume, or choose another folder.");
            TrainingOptionsFile.Write(run.Join(OptionsFile), options);
            return run;
        }
        catch
        {
            run.Dispose();
            throw;
        }
    }

    /// <summary>Goes on with a run of the same options.</summary>
    /// <exception cref="GenIspException">There is no run, it is in use, or it has other options: they are listed.</exception>
    public static RunDirectory Resume(string path, TrainingOptions options)
    {
        var saved = ReadOptions(path);
        var run = Claim(path);
        try
        {
            var changed = TrainingOptionsFile.Differences(saved, options);
            if (changed.Count > 0)
            {
                throw new GenIspException(
                    $"{path} is a run with other options, and would not end as either would. Changed: {string.Join("; ", changed)}. "
                    + "Leave the options away to go on with the run's own, or start another run.");
            }
            return run;
        }
        catch
        {
            run.Dispose();
            throw;
        }
    }

    /// <summary>Whether there is a run to go on with in a folder.</summary>
    public static bool HoldsRun(string path) => File.Exists(System.IO.Path.Combine(path, OptionsFile));

    /// <summary>The options of the run in a folder.</summary>
    /// <exception cref="GenIspException">There is none.</exception>
    public static TrainingOptions ReadOptions(string path) => HoldsRun(path)
        ? TrainingOptionsFile.Read(System.IO.Path.Combine(path, OptionsFile))
        : throw new GenIspException($"{path} holds no training run to go on with: there is no {OptionsFile}.");

    /// <summary>Writes the ISP, then all that going on needs. A full disk leaves the state before.</summary>
    /// <exception cref="GenIspException">The disk is full.</exception>
    public void Save(Trainer trainer, RunPosition position)
    {
        IspFile.Save(Join(IspFile.LastOfRun), trainer.Result);
        Save(StateOf(trainer, position));
    }

    /// <summary>Writes what <see cref="StateOf"/> gave. A full disk leaves the state before.</summary>
    /// <exception cref="GenIspException">The disk is full.</exception>
    public void Save(StateDict state) => SafetensorsFile.Write(State, state);

    /// <summary>All that going on needs.</summary>
    public static StateDict StateOf(Trainer trainer, RunPosition position)
    {
        var state = trainer.Save();
        state.Metadata["step"] = position.Step.ToString(CultureInfo.InvariantCulture);
        state.Metadata["epochs"] = position.Epochs.ToString(CultureInfo.InvariantCulture);
        state.Metadata["loss_sum"] = position.LossSum.ToString("r", CultureInfo.InvariantCulture);
        if (position.BestAP is { } best)
            state.Metadata["best_ap"] = best.ToString("r", CultureInfo.InvariantCulture);
        return state;
    }

    /// <summary>Keeps the network of the best epoch.</summary>
    /// <exception cref="GenIspException">The disk is full.</exception>
    public void SaveBest(Trainer trainer) => IspFile.Save(Join(IspFile.BestOfRun), trainer.Result);

    /// <summary>Brings the trainer to where the run was saved; to the beginning, where it never was.</summary>
    /// <exception cref="GenIspException">The file is damaged, or of another network.</exception>
    public RunPosition Restore(Trainer trainer)
    {
        if (!File.Exists(State))
            return new RunPosition(0, 0, null, 0);
        var state = SafetensorsFile.Read(State);
        var invariant = CultureInfo.InvariantCulture;
        long Whole(string key) => long.TryParse(state.Metadata.GetValueOrDefault(key), NumberStyles.None, invariant, out var value)
            ? value
            : throw new GenIspException($"{State} is no checkpoint of a run, or is damaged: its metadata has no whole number \"{key}\".");
        double? Number(string key) =>
            double.TryParse(state.Metadata.GetValueOrDefault(key), NumberStyles.Float, invariant, out var value) ? value : null;
        var position = new RunPosition(
            Whole("step"), (int)Math.Min(Whole("epochs"), int.MaxValue), Number("best_ap"), Number("loss_sum") ?? 0);
        trainer.Restore(state, position.Step, State);
        return position;
    }

    public void Dispose() => _lock.Dispose();

    private static RunDirectory Claim(string path)
    {
        try
        {
            Directory.CreateDirectory(path);
            // The system lets go of it when the process ends, however that ends.
            return new RunDirectory(path, new FileStream(
                System.IO.Path.Combine(path, LockFile), FileMode.OpenOrCreate, FileAccess.Write, FileShare.None, 1,
                FileOptions.DeleteOnClose));
        }
        catch (IOException error) when (File.Exists(System.IO.Path.Combine(path, LockFile)))
        {
            throw new GenIspException($"{path} is in use: another process trains in it.", error);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new GenIspException($"{path} can't be a run's folder: {error.Message}", error);
        }
    }

    private string Join(string file) => System.IO.Path.Combine(Path, file);
}
