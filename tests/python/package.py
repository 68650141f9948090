#!/usr/bin/env python3
"""Packs the program as users get it, unpacks it elsewhere and works with it, in an environment that names nothing.

    package.py PROGRAM CPACK BUILD_FOLDER
"""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

SKIPPED = 77
RATINGS = "".join(f"u{u},i{(u * 7 + n * 3) % 23},{1 + (u + n) % 5}\n" for u in range(30) for n in range(8))


def run(*command, **options):
    result = subprocess.run(command, capture_output=True, text=True, **options)
    if result.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}: exit {result.returncode}\n{result.stdout}{result.stderr}")
    return result.stdout


def use(prefix, folder, version):
    """The program of an unpacked package trains, evaluates and recommends."""
    def warpfactor(*words):
        return run(prefix / "bin/warpfactor", *words, cwd=folder, env={"PATH": "/usr/bin:/bin"})

    (folder / "ratings.csv").write_text(RATINGS)
    assert version in warpfactor("--version"), warpfactor("--version")
    warpfactor("train", "ratings.csv", "-k", "4", "--epochs", "2", "--engine", "cpu", "-o", "model.safetensors")
    warpfactor("evaluate", "model.safetensors", "ratings.csv")
    lines = warpfactor("recommend", "model.safetensors", "--user", "u3", "-n", "2").splitlines()
    assert len(lines) == 3, lines  # a header and two items
    warpfactor("doctor")
    linked = run("ldd", prefix / "bin/warpfactor")
    assert "not found" not in linked and not re.search("cuda|nccl|mpi", linked), linked
    documents = prefix / "share/doc/warpfactor"
    assert (documents / "LICENSE").is_file()
    bill = json.loads((documents / "warpfactor.cdx.json").read_text())
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.5") and bill["metadata"]["component"]["version"] == version, bill
    parts = {part["name"]: part for part in bill["components"]}
    for name in re.findall(r"lib(z|zstd|xxhash)\.so", linked):  # what is linked is among them, with its version
        assert re.fullmatch(r"\d+(\.\d+)+", parts["zlib" if name == "z" else name]["version"]), parts
    assert len(parts) == len(bill["components"]) >= 9 and all(part["licenses"] for part in parts.values()), parts


def embed(prefix, folder, version):
    """The README's example is built by find_package and by pkg-config, against an unpacked package, and runs."""
    readme = (pathlib.Path(__file__).parents[2] / "README.md").read_text()
    (source,) = re.findall(r"```cpp\n(.*?)```", readme, re.DOTALL)
    (lines,) = re.findall(r"```cmake\n(.*?)```", readme, re.DOTALL)
    project = folder / "example"
    shutil.rmtree(project, ignore_errors=True)
    project.mkdir()
    (project / "example.cpp").write_text(source)
    (project / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.16)\nproject(example CXX)\nadd_executable(example example.cpp)\n" + lines)
    run("cmake", "-S", project, "-B", project / "build", f"-DCMAKE_PREFIX_PATH={prefix}")
    run("cmake", "--build", project / "build")
    (pc,) = prefix.glob("lib/**/pkgconfig")
    pkg = {**os.environ, "PKG_CONFIG_PATH": str(pc), "PKG_CONFIG_ALLOW_SYSTEM_LIBS": "1", "PKG_CONFIG_ALLOW_SYSTEM_CFLAGS": "1"}
    assert run("pkg-config", "--modversion", "warpfactor", env=pkg).strip() == version
    flags = run("pkg-config", "--cflags", "--libs", "warpfactor", env=pkg).split()
    run(os.environ.get("CXX", "c++"), "-std=c++20", "-Wall", "-Wextra", "-Werror", project / "example.cpp", *flags, "-o",
        project / "example")
    libraries = {"LD_LIBRARY_PATH": str(pc.parent)}
    for program, env in ((project / "build/example", {}), (project / "example", libraries)):
        out = run(program, folder / "ratings.csv", cwd=project, env=env).splitlines()
        assert len(out) == 6 and out[5].startswith("and to someone new: i"), out
        assert (project / "model.safetensors").is_file()
    failed = subprocess.run([project / "build/example", "nowhere.csv"], capture_output=True, text=True)
    assert failed.returncode == 3 and "nowhere.csv" in failed.stderr, failed


def main():
    program, cpack, build = sys.argv[1:]
    version = run(program, "--version").split()[-1]
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        has_debs = shutil.which("dpkg-deb") and shutil.which("dpkg-shlibdeps")
        run(cpack, "--config", f"{build}/CPackConfig.cmake", "-B", folder / "packed", "-G",
            "TGZ;DEB" if has_debs else "TGZ", cwd=build)
        (archive,) = (folder / "packed").glob("*.tar.gz")
        run("tar", "-xzf", archive, "-C", folder)
        (prefix,) = folder.glob("warpfactor-*")
        use(prefix, folder, version)
        embed(prefix, folder, version)
        has_module = os.path.exists(f"{build}/libwarpfactor_cuda.so")
        assert (prefix / "lib/warpfactor/libwarpfactor_cuda.so").is_file() == has_module
        has_mpi = os.path.exists(f"{build}/libwarpfactor_mpi.so")
        assert (prefix / "lib/warpfactor/libwarpfactor_mpi.so").is_file() == has_mpi
        if not has_debs:
            print("the .tar.gz is right; the .deb: dpkg-deb and dpkg-shlibdeps (Debian: dpkg-dev) are not here")
            sys.exit(SKIPPED)
        packages = sorted((folder / "packed").glob("*.deb"), key=lambda package: "-mpi_" in package.name)
        assert len(packages) == 1 + has_mpi, packages
        package = packages[0]
        if has_mpi:  # of which the program's own package knows nothing
            assert "libopenmpi" in run("dpkg-deb", "-f", packages[1], "Depends")
            assert "libwarpfactor_mpi.so" in run("dpkg-deb", "-c", packages[1])
            assert "mpi" not in run("dpkg-deb", "-f", package, "Depends")
        fields = dict(line.split(": ", 1) for line in run("dpkg-deb", "-f", package).splitlines() if ": " in line)
        assert fields["Package"] == "warpfactor" and fields["Version"].startswith(version), fields
        assert "libc6" in fields["Depends"] and "cuda" not in fields["Depends"], fields
        run("dpkg-deb", "-x", package, folder / "root")
        use(folder / "root/usr", folder, version)
        embed(folder / "root/usr", folder, version)


main()
