using static TorchSharp.torch;

namespace GenIsp.Detection.RetinaNet;

/// <summary>A module whose children have the names that it gives them, whatever its fields are called.</summary>
internal abstract class NamedModule<TInput, TOutput>(string name) : nn.Module<TInput, TOutput>(name)
{
    /// <summary>Makes a module a child under the given name, and returns it.</summary>
    protected T Register<T>(string name, T child)
        where T : nn.Module
    {
        register_module(name, child);
        return child;
    }

    /// <summary>Nothing: the base class would register every field once more, under the field's name.</summary>
    protected override void RegisterComponents()
    {
    }
}
