#!/usr/bin/env bash
# Packs library and command, installs both from there into an empty folder, as a user of 64-bit x86 Linux would, and runs them. Needs a
# Release build and, for a while, 1.5 GB among the temporary files. ./test does it in CI.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
data=$(realpath -m "${GENISP_SHARED_DATA:-$root/../shared/data}")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
version=0.0.0-try # which is in no cache
cd "$folder"

say() { echo "try-packages: $*" >&2; }
fail() { say "$@"; exit 1; }
quietly() { "$@" >log 2>&1 || { cat log >&2; fail "failed: $*"; }; }

say "packing"
quietly dotnet pack "$root/GenIsp.slnx" -c Release --no-build --nologo -o packages -p:PackageVersion=$version -p:PublishDir="$folder/publish/"
rm -rf publish
ls packages/GenIsp{,.Tool}.$version.{nupkg,snupkg} >log || fail "packages are missing: $(cat log)"

# A photo: a real one with a dog where there is one beside the project, or noise, in which nothing is to be found.
if [ -e "$data/raw/halide_bayer_small_16bit.png" ]; then
    photo=photo.png detector=$data/weights/yolox_nano.onnx expected='^dog 0\.'
    cp "$data/raw/halide_bayer_small_16bit.png" $photo
    echo '{"width": 256, "height": 344, "cfa": "GRBG", "black": 0, "white": 1023, "camera": "Nikon D750"}' >$photo.json
else
    photo=photo.raw detector=$root/models/street.onnx expected=
    head -c $((128 * 128 * 2)) "$detector" >$photo
    echo '{"width": 128, "height": 128, "cfa": "RGGB", "black": 0, "white": 65535, "camera": "Nikon D750"}' >$photo.json
fi

say "the library, as its README says, in an empty project"
# The packages that the build has restored serve again. GenIsp itself goes to a cache of its own, which goes with the folder.
built=$(dotnet nuget locals global-packages --list | sed 's/^[^:]*: //')
export NUGET_PACKAGES=$folder/cache
cat >nuget.config <<END
<configuration>
  <packageSources><add key="packed" value="$folder/packages" /></packageSources>
  <fallbackPackageFolders><add key="built" value="$built" /></fallbackPackageFolders>
</configuration>
END
quietly dotnet new console -o Sample --no-restore
cp "$root/samples/DetectInRaw/Program.cs" Sample/
cd Sample
sed -n "s/^dotnet add package GenIsp$/& --version $version/; /^dotnet add package/p" "$root/src/GenIsp/README.md" >commands
while read -r -a command; do
    quietly "${command[@]}" --no-restore </dev/null
done <commands
quietly dotnet build -c Release --nologo -v quiet -p:CreateHardLinksForCopyLocalIfPossible=true
cd ..
ls cache/genisp/$version/{README.md,lib/net10.0/GenIsp.xml} >log || fail "the package lacks its README or API docs"
cmp Sample/bin/Release/net10.0/runtimes/linux-x64/native/libLibTorchSharp.so "$root"/artifacts/bin/GenIsp.Cli/release_*/libLibTorchSharp.so \
    || fail "the loader fix did not reach the project"
dotnet Sample/bin/Release/net10.0/Sample.dll $photo "$detector" >found
[ -z "$expected" ] || grep "$expected" found || fail "the dog was not found: $(cat found)"
rm -rf Sample

say "the command, as a tool"
quietly dotnet tool install GenIsp.Tool --version $version --tool-path tools --add-source packages
# Without LibRaw doctor complains, rightly.
tools/genisp doctor >log 2>&1 || true
grep 'libtorch .* works' log || fail "$(cat log)"
tools/genisp develop $photo --isp genisp -o developed
[ -s developed/photo.png ] || fail "no picture was developed"
