using System.Collections.Immutable;
using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using static TorchSharp.torch;

namespace GenIsp.Tests;

public sealed class TensorArithmeticTests
{
    private static readonly HashSet<string> Hiding =
    [
        "Tensor.square", "Tensor.softplus", "Tensor.elu", "Tensor.elu_", "Tensor.celu", "Tensor.celu_", "functional.celu",
        "functional.hardshrink", "functional.hardtanh", "functional.leaky_relu", "functional.softshrink", "functional.threshold",
        "linalg.matrix_norm", "linalg.vector_norm", "torch.normal",
    ];

    // What GenIsp.dll calls by the name of TorchSharp is in its table of members, overload by overload.
    [Fact]
    public void The_library_calls_nothing_that_hides_a_number_which_the_garbage_collector_may_free_too_early()
    {
        using var file = new PEReader(File.OpenRead(typeof(GenIspException).Assembly.Location));
        var metadata = file.GetMetadataReader();
        var called = metadata.MemberReferences.Select(metadata.GetMemberReference)
            .Where(member => member.Parent.Kind == HandleKind.TypeReference)
            .Select(member => Describe(metadata, member)).ToList();

        called.ShouldContain("Tensor.add(Tensor, Scalar)");
        called.Where(HidesANumber).ShouldBeEmpty("use TensorArithmetic");
    }

    [Fact]
    public void Numbers_are_read_as_what_they_are()
    {
        using var scope = NewDisposeScope();
        var x = tensor([1f, 2, 3, 4, 5, 6], [2, 3], dtype: ScalarType.Float32);

        x.t().Numbers<float>().ShouldBe([1, 4, 2, 5, 3, 6]);
        x[1].Numbers<float>().ShouldBe([4, 5, 6]);
        x[..0].Numbers<float>().ShouldBeEmpty();
        (x[1].Address() - x.Address()).ShouldBe(3 * sizeof(float));
        Should.Throw<ArgumentException>(() => x.Numbers<int>()).Message.ShouldContain("Float32");
    }

    [Fact]
    public void Numbers_and_tensors_add_up()
    {
        using var scope = NewDisposeScope();
        var x = tensor([1f, 2f], dtype: ScalarType.Float32);
        var y = tensor([10f, 20f], dtype: ScalarType.Float32);

        x.Plus(y).data<float>().ToArray().ShouldBe([11, 22]);
        x.Plus(0.5).data<float>().ToArray().ShouldBe([1.5f, 2.5f]);
        x.IsAbove(1).data<bool>().ToArray().ShouldBe([false, true]);
        x.PlusInPlace(y).data<float>().ToArray().ShouldBe([11, 22]);
        x.PlusInPlace(y, 2).data<float>().ToArray().ShouldBe([31, 62]);
    }

    // A number becomes an object, Scalar, by an implicit conversion: in our code, or inside of TorchSharp where an operator takes a
    // plain number, or where an addition is given no factor. These are all of TorchSharp 0.107's methods on tensors that do so: under a
    // garbage collector that never rests, x + y failed about once in 100,000 times, and x.add(y, One) never.
    private static bool HidesANumber(string member) =>
        member.StartsWith("Scalar.op_Implicit", StringComparison.Ordinal)
        || (member.StartsWith("Tensor.op_", StringComparison.Ordinal)
            && !member.Contains("(Tensor, Tensor)") && !member.Contains("(Tensor)"))
        || member is "Tensor.op_Addition(Tensor, Tensor)"
        || (member.StartsWith("Tensor.add", StringComparison.Ordinal) && !member.Contains(", Scalar)"))
        || (member.StartsWith("torch.arange", StringComparison.Ordinal) && !member.Contains("(Scalar, Scalar, Scalar"))
        || Hiding.Contains(member[..member.IndexOf('(')]);

    private static string Describe(MetadataReader metadata, MemberReference member)
    {
        var type = metadata.GetString(metadata.GetTypeReference((TypeReferenceHandle)member.Parent).Name);
        var isMethod = member.GetKind() == MemberReferenceKind.Method;
        var parameters = isMethod ? member.DecodeMethodSignature(new Names(), null).ParameterTypes : [];
        return $"{type}.{metadata.GetString(member.Name)}({string.Join(", ", parameters)})";
    }

    // As little of each type's name as tells overloads apart.
    private sealed class Names : ISignatureTypeProvider<string, object?>
    {
        public string GetPrimitiveType(PrimitiveTypeCode typeCode) => $"{typeCode}";

        public string GetTypeFromReference(MetadataReader reader, TypeReferenceHandle handle, byte rawTypeKind) =>
            reader.GetString(reader.GetTypeReference(handle).Name);

        public string GetTypeFromDefinition(MetadataReader reader, TypeDefinitionHandle handle, byte rawTypeKind) =>
            reader.GetString(reader.GetTypeDefinition(handle).Name);

        public string GetTypeFromSpecification(
            MetadataReader reader, object? genericContext, TypeSpecificationHandle handle, byte rawTypeKind) => "specification";

        public string GetGenericInstantiation(string genericType, ImmutableArray<string> typeArguments) =>
            $"{genericType}<{string.Join(", ", typeArguments)}>";

        public string GetSZArrayType(string elementType) => $"{elementType}[]";

        public string GetArrayType(string elementType, ArrayShape shape) => $"{elementType}[,]";

        public string GetByReferenceType(string elementType) => $"ref {elementType}";

        public string GetPointerType(string elementType) => $"{elementType}*";

        public string GetPinnedType(string elementType) => elementType;

        public string GetModifiedType(string modifier, string unmodifiedType, bool isRequired) => unmodifiedType;

        public string GetGenericMethodParameter(object? genericContext, int index) => $"!!{index}";

        public string GetGenericTypeParameter(object? genericContext, int index) => $"!{index}";

        public string GetFunctionPointerType(MethodSignature<string> signature) => "function";
    }
}
