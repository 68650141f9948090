"""tests/style.py finds what is planted, and leaves alone what only looks like it."""
import contextlib
import io
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import style  # noqa: E402

HEADER = "// What it is.\n#pragma once\n"

# (path, line that breaks a rule, part of the rule's name)
PLANTED = [
    ("host/base/a.cpp", '#include "host/config/config.hpp"', "host/base must not include host/config"),
    ("host/readers/a.cpp", '#include "host/model/model.hpp"', "host/readers must not include host/model"),
    ("host/kernels/a.hpp", '#include "host/train/engine.hpp"', "host/kernels must not include host/train"),
    ("host/cpu/a.cpp", '#include "host/reference/reference.hpp"', "host/cpu must not include host/reference"),
    ("host/reference/a.cpp", '#include "host/cpu/cpu.hpp"', "host/reference must not include host/cpu"),
    ("host/evaluate/a.cpp", '#include "host/cpu/cpu.hpp"', "host/evaluate must not include host/cpu"),
    ("host/train/a.hpp", '#include "host/cpu/cpu.hpp"', "not a kernel set"),
    ("host/train/a.hpp", '#include "host/reference/reference.hpp"', "not a kernel set"),
    ("host/api/a.cpp", '#include "host/cli/parser.hpp"', "host/api must not include host/cli"),
    ("host/api/a.cpp", "#include <host/cli/parser.hpp>", "host/api must not include host/cli"),
    ("host/api/a.cpp", '#include "host/elsewhere/a.hpp"', "no place in the order"),
    ("host/api/a.cpp", '#include "engines.hpp"', "path from the root"),
    ("host/api/a.cpp", '#include "cuda/kernels/cuda_kernels.hpp"', "knows no CUDA"),
    ("host/cli/a.cpp", "#include <cuda_runtime.h>", "knows no CUDA"),
    ("host/cli/a.cpp", "#include <cublas_v2.h>", "knows no CUDA"),
    ("host/cpu/a.cpp", "#include <thrust/sort.h>", "knows no CUDA"),
    ("host/cpu/a.cpp", "#include <cub/cub.cuh>", "knows no CUDA"),
    ("host/model/a.cpp", 'std::cerr << "x";', "never prints"),
    ("host/model/a.cpp", 'std::wcerr << L"x";', "never prints"),
    ("host/model/a.cpp", '  printf("x");', "never prints"),
    ("host/model/a.cpp", '  fmt::print("x");', "never prints"),
    ("host/model/a.cpp", "  fputc('x', stderr);", "never prints"),
    ("host/base/atomic_file.cpp", '  fwrite(data, 1, 1, stdout);', "never prints"),
    ("host/model/a.cpp", '  std::fprintf(stderr, "x");', "never prints"),
    ("host/model/a.cpp", "  exit(1);", "never ends the program"),
    ("host/model/a.cpp", "  ::_exit(1);", "never ends the program"),
    ("host/model/a.cpp", "  std::abort();", "never ends the program"),
    ("host/model/a.cpp", "std::signal(2, std::terminate);", "never ends the program"),
    ("host/model/a.cpp", 'open("http://example.org"); abort();', "never ends the program"),
    ("host/ratings/a.cpp", "  return rand() % 6;", "random numbers"),
    ("host/cli/a.cpp", "std::random_device device;", "random numbers"),
    ("host/cpu/a.cpp", "std::mt19937 generator(1);", "random numbers"),
    ("host/cpu/a.cpp", "auto now = std::chrono::steady_clock::now();", "no clock"),
    ("host/train/engine.cpp", "auto now = time(nullptr);", "no clock"),
    ("host/cli/a.cpp", "#include <ranges>", "clang 14"),
    ("tests/host/a_test.cpp", "#include <format>", "clang 14"),
    ("cuda/kernels/a.cu", "kernel<<<1, 32>>>();", "through the wrapper"),
    ("cuda/kernels/a.cu", "__shared__ float tile[32];", "through the macros"),
    ("cuda/kernels/a.cu", "#if __CUDA_ARCH__ >= 900", "by WF_ARCH"),
    ("cuda/kernels/a.cu", "cudaMemcpy(to, from, bytes, cudaMemcpyDefault);", "transfer.cpp"),
    ("cuda/runtime/a.cpp", "cudaMalloc(&memory, bytes);", "no default stream"),
    ("cuda/kernels/a.cu", 'asm volatile("nanosleep.u32 20;");', "no inline PTX"),
    ("cuda/kernels/a.cu", '#include "tests/simt/device.hpp"', "without its tests"),
    ("cuda/kernels/a.cu", '#include "cuda/engine/module.hpp"', "cuda/kernels must not include cuda/engine"),
    ("cuda/kernels/a.cu", '#include "host/train/engine.hpp"', "cuda/kernels must not include host/train"),
    ("cuda/elsewhere/a.cu", '#include "host/base/view.hpp"', "no place in the order"),
    ("docs/design.md", "TODO: a picture", "unfinished"),
    ("host/cpu/a.cpp", "// FIXME later", "unfinished"),
    ("README.md", "see /work/notes.md", "path of one machine"),
    (".ci/run", "cd /root/project", "path of one machine"),
    (".ci/run", "cd /root", "path of one machine"),
]

INNOCENT = [
    ("host/config/a.cpp", '#include "host/base/error.hpp"'),
    ("host/config/a.cpp", '#include "host/config/config.hpp"'),
    ("host/evaluate/a.cpp", '#include "host/kernels/score.hpp"'),
    ("host/api/a.cpp", '#include "host/cpu/cpu.hpp"'),
    ("host/cli/a.cpp", 'std::cerr << "x"; std::exit(2);'),
    ("host/model/a.cpp", "// std::cerr and abort() are the program's, not ours"),
    ("host/model/a.cpp", "file.exit(); on_exit(1); other::abort(); snprintf(text, 4, format);"),
    ("host/ratings/a.cpp", "operand(1); strand(2);"),
    ("host/train/training_loop.hpp", HEADER + "using Clock = std::chrono::steady_clock;"),
    ("host/readers/a.cpp", "using Clock = std::chrono::steady_clock;"),
    ("host/train/a.cpp", "downtime(3); row.time(4);"),
    ("cuda/runtime/a.cuh", HEADER + "// `<<<` appears nowhere, __shared__ only in a macro"),
    ("cuda/engine/a.cpp", '#include "host/train/engine.hpp"'),
    ("cuda/kernels/a.cu", '#include "cuda/device/pair.cuh"'),
    ("cuda/runtime/a.cpp", "cudaMemcpyAsync(to, from, bytes, cudaMemcpyDefault, stream);"),
    ("docs/design.md", "the build/work/ folder, ~/work and a network at https://example.org/home"),
]


def rules(path, text):
    return [rule for _, rule in style.check_file(path, text)]


class Rules(unittest.TestCase):
    def test_what_is_planted_is_found(self):
        for path, line, rule in PLANTED:
            text = HEADER + line + "\n" if path.endswith(".hpp") else line + "\n"
            with self.subTest(path=path, line=line):
                found = rules(path, text)
                self.assertEqual(len(found), 1, found)
                self.assertIn(rule, found[0])

    def test_what_only_looks_like_it_is_left_alone(self):
        for path, line in INNOCENT:
            with self.subTest(path=path, line=line):
                self.assertEqual(rules(path, line + "\n"), [])

    def test_every_word_rule_is_planted_at_least_once(self):
        for rule, *_ in style.WORDS:
            self.assertTrue(any(part in rule for _, _, part in PLANTED), rule)

    def test_headers_say_what_they_are_and_guard_themselves(self):
        self.assertEqual(rules("host/base/a.hpp", HEADER), [])
        self.assertIn("#pragma once", rules("host/base/a.hpp", "// What it is.\n")[0])
        self.assertIn("comment", rules("host/base/a.hpp", "#pragma once\n")[0])
        self.assertIn("comment", rules("cuda/device/a.cuh", "#pragma once\n")[0])

    def test_a_file_has_at_most_600_lines(self):
        self.assertEqual(rules("host/base/a.cpp", "int a;\n" * 600), [])
        self.assertIn("over 600 lines", rules("host/base/a.cpp", "int a;\n" * 601)[0])

    def test_the_place_is_file_and_line(self):
        self.assertEqual(style.check_file("host/cpu/a.cpp", "int a;\n\nexit(1);\n")[0][0], 3)


class Program(unittest.TestCase):
    def run_over(self, files):
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            for path, text in files.items():
                (root / path).parent.mkdir(parents=True, exist_ok=True)
                (root / path).write_bytes(text if isinstance(text, bytes) else text.encode())
            out = io.StringIO()
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(io.StringIO()):
                status = style.main(root)
            return status, out.getvalue()

    def test_a_clean_tree_ends_with_0(self):
        self.assertEqual(self.run_over({"host/base/a.hpp": HEADER, "scripts/demo": "#!/bin/sh\n"}), (0, ""))

    def test_findings_are_printed_with_file_and_line_and_end_with_1(self):
        status, out = self.run_over({"host/model/a.cpp": "int a;\nabort();\n", "scripts/demo": "# TODO\n"})
        self.assertEqual(status, 1)
        self.assertIn("host/model/a.cpp:2: the library never ends the program\n", out)
        self.assertIn("scripts/demo:1: unfinished by its own words\n", out)

    def test_builds_fixtures_and_binaries_are_left_out(self):
        files = {"build/a.cpp": "TODO", "tests/fixtures/a.txt": "TODO", "data.bin": b"\xff\xfe TODO"}
        self.assertEqual(self.run_over(files), (0, ""))


if __name__ == "__main__":
    unittest.main()
