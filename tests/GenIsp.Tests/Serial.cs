using Xunit.Sdk;
using Xunit.v3;

// libtorch has one random state, one count of live tensors and all cores already.
[assembly: Parallelization(Mode = ParallelMode.None)]
