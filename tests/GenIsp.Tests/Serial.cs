// libtorch has one random state, one count of live tensors and all cores already.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
