// What a service does all day, in one process, through the library alone: scripts/soak reads what is left after each
// cycle.
//
//   soak RATINGS FOLDER SECONDS
//
// prints a line a cycle, in which nothing of the cycle is alive any more: resident bytes, bytes of the heap in use,
// open files.
#include "host/library/warpfactor.hpp"

#include <malloc.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace {

namespace wf = warpfactor;

const std::vector<wf::Settings> kTrainings = {
    {{"rank", 16}, {"epochs", 3}, {"threads", 2}},
    {{"rank", 8}, {"epochs", 2}, {"threads", 2}, {"batch-size", 256}, {"optimizer", "adagrad"}},
    {{"rank", 8}, {"epochs", 2}, {"threads", 2}, {"algorithm", "als"}},
    {{"rank", 8}, {"epochs", 2}, {"threads", 2}, {"algorithm", "ials"}},
    {{"rank", 8}, {"epochs", 2}, {"threads", 2}, {"loss", "bpr"}},
};

[[noreturn]] void fail(const std::string& text) {
  std::fprintf(stderr, "soak: %s\n", text.c_str());
  std::exit(1);
}

/// What users and files do wrong, without an end: exceptions leave nothing behind either.
void be_wrong(const std::string& folder) {
  const auto expect_error = [](const auto& call) {
    try {
      call();
    } catch (const wf::Error&) {
      return;
    }
    fail("what is wrong was taken");
  };
  const std::string path = folder + "/wrong";
  std::ofstream(path, std::ios::trunc) << "1,2,3\n1,x\n";
  expect_error([&] { wf::Ratings::read(path); });
  expect_error([&] { wf::Ratings::read(folder + "/none"); });
  expect_error([&] { wf::Model::read(path); });
}

void serve(const wf::Model& model, const wf::Ratings& ratings) {
  if (model.evaluate(ratings).n == 0) fail("nothing was evaluated");
  for (std::size_t user = 0; user < 20; ++user) {
    const std::string id = model.user_id(user);
    if (model.recommend(id, 10, ratings.items_of(id)).empty()) fail("nothing was recommended");
  }
  if (model.similar_items(model.item_id(0)).empty()) fail("nothing is similar");
  if (model.recommend({{model.item_id(0), 5}, {model.item_id(1), 1}}).empty()) fail("nothing for someone new");
}

void cycle(const std::string& data, const std::string& folder, const wf::Settings& settings) {
  const auto ratings = wf::Ratings::read(data);
  const auto trained = wf::Model::train(ratings, settings);
  trained.write(folder + "/model.safetensors");
  serve(wf::Model::read(folder + "/model.safetensors"), ratings);
  wf::Model::train(ratings, settings, [](const wf::Epoch&) { return false; });
  be_wrong(folder);
}

long long resident_bytes() {
  long long pages = 0, all = 0;
  std::ifstream("/proc/self/statm") >> all >> pages;
  return pages * sysconf(_SC_PAGESIZE);
}

long long open_files() {
  const std::filesystem::directory_iterator files("/proc/self/fd"), end;
  return std::distance(files, end) - 1;  // that of the folder itself
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 4) fail("usage: soak RATINGS FOLDER SECONDS");
  using Clock = std::chrono::steady_clock;
  const auto end = Clock::now() + std::chrono::duration<double>(std::strtod(argv[3], nullptr));
  while (Clock::now() < end) {
    for (const wf::Settings& settings : kTrainings) cycle(argv[1], argv[2], settings);
    const struct mallinfo2 heap = mallinfo2();
    std::printf("%lld %zu %lld\n", resident_bytes(), heap.uordblks + heap.hblkhd, open_files());
    std::fflush(stdout);
  }
  return 0;
} catch (const wf::Error& error) {
  fail(error.what());
}
