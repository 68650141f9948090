// A checkpoint comes back as it was written, by one process or by several, or is known to be damaged.
#include "host/api/checkpoint_file.hpp"
#include "tests/host/model_support.hpp"
#include "tests/support/seal_checkpoint.hpp"
#include "tests/support/thread_ranks.hpp"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <bit>
#include <cmath>
#include <cstring>
#include <functional>
#include <limits>

namespace wf {
namespace {

using testing::HasSubstr;
using testing_support::bytes_of;
using testing_support::FreshFolder;

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

CheckpointFacts some_facts() {
  return {{{"--rank", "8"}, {"DATA", "0123456789abcdef"}, {"odd \"name\"\n", "\x01"}},
          7,
          "{\"epoch\": 1}\n{\"epoch\": 2}\n"};
}

TrainingState some_state() {
  TrainingState state;
  state.epoch = 2;
  EpochReport first, second;
  first.epoch = 1;
  first.train_loss = 0.1;
  first.train_rmse = std::sqrt(0.1);
  first.lr = 1e-300;
  first.seconds = 0.25;
  first.ratings = (Position{1} << 52) + 1;
  second.epoch = 2;
  second.train_loss = 1.0 / 3;
  second.train_rmse = std::numeric_limits<double>::quiet_NaN();
  second.valid_loss = 0;
  second.valid_mae = 5e-324;
  second.skipped = 3;
  second.best = true;
  state.epochs = {first, second};
  HostBuffer<float> floats;
  for (const float value : {1.5F, -0.0F, kNan, 1e-45F, std::bit_cast<float>(0x7f800001U)}) floats.push_back(value);
  state.arrays.insert_or_assign("tables.user_factors", StateArray(std::move(floats)));
  HostBuffer<Position> wholes;
  for (const Position value : {Position{0}, std::numeric_limits<Position>::max(), Position{-1}})
    wholes.push_back(value);
  state.arrays.insert_or_assign("last_step", StateArray(std::move(wholes)));
  state.numbers = {{"lr", 0.1}, {"previous_loss", kInfinity}, {"tiny", 5e-324}, {"minus", -0.0}};
  state.counts = {{"step", (Position{1} << 62) + 1}, {"best_epoch", 2}};
  return state;
}

std::string bytes_of(const StateArray& array) {
  std::string bytes(static_cast<std::size_t>(array.bytes()), '\0');
  if (array.type() == StateArray::Type::f32) {
    array.read(0, Span<float, Host>{reinterpret_cast<float*>(bytes.data()), array.size()});
  } else {
    array.read(0, Span<Position, Host>{reinterpret_cast<Position*>(bytes.data()), array.size()});
  }
  return bytes;
}

std::string refusal(const std::string& path, CheckpointFile::Steps steps = CheckpointFile::Steps::epochs) {
  try {
    const CheckpointFile file(path);
    file.state(steps);
  } catch (const InputError& error) {
    return error.what();
  }
  return "taken";
}

TEST(Checkpoint, ComesBackToTheBit) {
  const FreshFolder folder;
  const std::string path = folder.file("c");
  const TrainingState written = some_state();
  write_checkpoint(path, some_facts(), written);
  const CheckpointFile file(path);
  EXPECT_EQ(file.epoch(), 2);
  EXPECT_EQ(file.facts().identity, some_facts().identity);
  EXPECT_EQ(file.facts().grid, 7);
  EXPECT_EQ(file.facts().metrics, some_facts().metrics);
  const TrainingState read = file.state();
  EXPECT_EQ(read.epoch, 2);
  EXPECT_EQ(read.numbers, written.numbers);
  EXPECT_TRUE(std::signbit(read.numbers.at("minus")));
  EXPECT_EQ(read.counts, written.counts);
  ASSERT_EQ(read.arrays.size(), written.arrays.size());
  for (const auto& [name, array] : written.arrays) {
    EXPECT_EQ(read.arrays.at(name).type(), array.type()) << name;
    EXPECT_EQ(bytes_of(read.arrays.at(name)), bytes_of(array)) << name;
  }
  ASSERT_EQ(read.epochs.size(), 2U);
  const EpochReport &first = read.epochs[0], &second = read.epochs[1];
  EXPECT_EQ(first.epoch, 1);
  EXPECT_EQ(first.train_loss, 0.1);
  EXPECT_EQ(first.train_rmse, std::sqrt(0.1));
  EXPECT_EQ(first.lr, 1e-300);
  EXPECT_EQ(first.seconds, 0.25);
  EXPECT_EQ(first.ratings, (Position{1} << 52) + 1);
  EXPECT_FALSE(first.valid_loss || first.valid_rmse || first.valid_mae || first.best);
  EXPECT_TRUE(std::isnan(second.train_rmse));
  EXPECT_EQ(second.valid_loss, 0);
  EXPECT_FALSE(second.valid_rmse);
  EXPECT_EQ(second.valid_mae, 5e-324);
  EXPECT_EQ(second.skipped, 3);
  EXPECT_TRUE(second.best);
}

TEST(Checkpoint, AnyByteThatChangesIsFound) {
  const FreshFolder folder;
  write_checkpoint(folder.file("c"), some_facts(), some_state());
  const std::string whole = bytes_of(folder.file("c"));
  for (std::size_t at = 0; at < whole.size(); ++at) {
    std::string damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ (1 << (at % 8)));
    EXPECT_THAT(refusal(folder.write("d", damaged)), HasSubstr("not the whole checkpoint")) << "byte " << at;
  }
}

TEST(Checkpoint, AnyPartOfItIsRefused) {
  const FreshFolder folder;
  write_checkpoint(folder.file("c"), some_facts(), some_state());
  const std::string whole = bytes_of(folder.file("c"));
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_THAT(refusal(folder.write("d", whole.substr(0, size))), HasSubstr("not the whole checkpoint")) << size;
  }
  EXPECT_THAT(refusal(folder.write("d", whole + '\0')), HasSubstr("not the whole checkpoint"));
  EXPECT_THAT(refusal(folder.write("d", whole + whole)), HasSubstr("not the whole checkpoint"));
}

TEST(Checkpoint, TheOneBeforeIsKeptAndTakenWhereTheLastIsNotWhole) {
  const FreshFolder folder;
  const std::string path = folder.file("c");
  EXPECT_FALSE(find_checkpoint(path).file);
  TrainingState state = some_state();
  for (state.epoch = 1; state.epoch <= 3; ++state.epoch) write_checkpoint(path, some_facts(), state);
  EXPECT_EQ(folder.count(), 2);
  FoundCheckpoint found = find_checkpoint(path);
  ASSERT_TRUE(found.file);
  EXPECT_EQ(found.file->epoch(), 3);
  EXPECT_EQ(found.why_previous, "");

  const std::string last = bytes_of(path);
  folder.write("c", last.substr(1));
  found = find_checkpoint(path);
  EXPECT_EQ(found.file->epoch(), 2);
  EXPECT_THAT(found.why_previous, HasSubstr("not the whole checkpoint"));
  std::filesystem::remove(path);  // as a kill between the two renames leaves it
  found = find_checkpoint(path);
  EXPECT_EQ(found.file->epoch(), 2);
  EXPECT_THAT(found.why_previous, HasSubstr("is not there"));

  folder.write("c", "text");
  std::filesystem::remove(previous_checkpoint(path));
  EXPECT_THROW(find_checkpoint(path), InputError);
}

/// More than two of the pieces that have checksums.
TrainingState large_state() {
  TrainingState state = some_state();
  HostBuffer<float> floats((Position{9} << 20) / 4 + 3);
  for (Position n = 0; n < floats.size(); ++n) floats[n] = static_cast<float>(n % 1000);
  state.arrays.insert_or_assign("tables.large", StateArray(std::move(floats)));
  return state;
}

/// Of `whole`, what rank r of several has: every so many elements, and of the small arrays all or nothing.
TrainingState part_of(const TrainingState& whole, int rank, int ranks) {
  constexpr Position kRun = 1000;
  TrainingState part = some_state();
  part.arrays.clear();
  if (rank > 0) part.epochs[0].seconds = 99;  // measured by each
  for (const auto& [name, array] : whole.arrays) {
    StateArray mine(array.type(), array.size());
    for (const StateArray::Piece& piece : array.pieces()) {
      for (Position first = kRun * rank; first < piece.count; first += kRun * ranks) {
        const Position count = std::min(kRun, piece.count - first);
        if (array.type() == StateArray::Type::f32) {
          mine.add(StatePiece<const float>{first, {static_cast<const float*>(piece.data) + first, count}});
        } else {
          mine.add(StatePiece<const Position>{first, {static_cast<const Position*>(piece.data) + first, count}});
        }
      }
    }
    part.arrays.insert_or_assign(name, std::move(mine));
  }
  return part;
}

TEST(Checkpoint, RanksWriteTheBytesOfOneProcess) {
  const FreshFolder folder;
  const TrainingState whole = large_state();
  write_checkpoint(folder.file("one"), some_facts(), whole);
  for (const int size : {2, 3, 7}) {
    test::on_ranks(size, [&](Ranks& ranks) {
      CheckpointFacts facts = some_facts();
      if (ranks.rank() > 0) facts.metrics.clear();  // rank 0 alone has a log
      write_checkpoint(folder.file("several"), facts, part_of(whole, ranks.rank(), size), ranks);
    });
    EXPECT_TRUE(bytes_of(folder.file("several")) == bytes_of(folder.file("one"))) << size << " ranks";
  }
  EXPECT_EQ(folder.count(), 3) << "and the one before";
}

TEST(Checkpoint, RanksAgreeOnTheLastWholeOne) {
  const FreshFolder folder;
  const std::string path = folder.file("c");
  TrainingState state = large_state();
  for (state.epoch = 1; state.epoch <= 2; ++state.epoch) write_checkpoint(path, some_facts(), state);
  std::string last = bytes_of(path);
  last[last.size() / 2] ^= 1;  // in what one of the ranks looks at
  folder.write("c", last);
  test::on_ranks(3, [&](Ranks& ranks) {
    const FoundCheckpoint found = find_checkpoint(path, ranks);
    EXPECT_EQ(found.file->epoch(), 1);
    EXPECT_THAT(found.why_previous, HasSubstr("not the whole checkpoint"));
  });
  std::filesystem::remove(previous_checkpoint(path));
  test::on_ranks(3, [&](Ranks& ranks) { EXPECT_THROW(find_checkpoint(path, ranks), DamagedCheckpoint); });
}

TEST(Checkpoint, WhatOneRankCannotWriteFailsOnAll) {
  const FreshFolder folder;
  const std::string path = folder.file("no/such/folder/c");
  std::atomic<int> failed{0};
  test::on_ranks(3, [&](Ranks& ranks) {
    try {
      write_checkpoint(path, some_facts(), part_of(large_state(), ranks.rank(), 3), ranks);
    } catch (const FailedError& error) {
      failed += std::string(error.what()).find(path + ": cannot create the file") == 0 ? 1 : 0;
    }
  });
  EXPECT_EQ(failed, 3);
}

TEST(Checkpoint, OfVersion1AreNotCalledDamaged) {
  const FreshFolder folder;
  write_checkpoint(folder.file("c"), some_facts(), some_state());
  std::string bytes = bytes_of(folder.file("c"));
  const std::size_t at = bytes.find(R"("format_version":"2")");
  bytes[at + 18] = '1';  // whose last bytes are a checksum of all others: not one of pieces
  EXPECT_THAT(refusal(folder.write("c", bytes)), HasSubstr("version 1; this program reads version 2"));
  EXPECT_THROW(find_checkpoint(folder.file("c")), InputError);
}

TEST(Checkpoint, RanksThatSeeDifferentFilesSaySo) {
  const FreshFolder folder;
  write_checkpoint(folder.file("one"), some_facts(), some_state());
  write_checkpoint(folder.file("two"), some_facts(), large_state());
  test::on_ranks(2, [&](Ranks& ranks) {
    try {
      find_checkpoint(folder.file(ranks.rank() == 0 ? "one" : "two"), ranks);
      ADD_FAILURE() << "taken";
    } catch (const InputError& error) {
      EXPECT_THAT(error.what(), HasSubstr("is another file for each of several processes"));
    }
  });
}

TEST(Checkpoint, RanksOfDifferentTrainingsWriteNone) {
  const FreshFolder folder;
  test::on_ranks(2, [&](Ranks& ranks) {
    CheckpointFacts facts = some_facts();
    facts.grid += ranks.rank();
    EXPECT_THROW(write_checkpoint(folder.file("c"), facts, part_of(large_state(), ranks.rank(), 2), ranks),
                 FailedError);
  });
  EXPECT_EQ(folder.count(), 0);
}

TEST(Checkpoint, AHeadThatSaysItIsHugeIsDamage) {
  const FreshFolder folder;
  const std::string path = folder.write("c", std::string("\0\0\0\0\1\0\0\0", 8));  // 4 GB
  std::filesystem::resize_file(path, Position{5} << 30);                           // without blocks on disk
  EXPECT_THAT(refusal(path), HasSubstr("not the whole checkpoint"));
}

TEST(Checkpoint, AByteOfAnyPieceThatChangesIsFound) {
  const FreshFolder folder;
  write_checkpoint(folder.file("c"), some_facts(), large_state());
  const std::string whole = bytes_of(folder.file("c"));
  for (std::size_t at = 0; at < whole.size(); at += (1U << 20) - 1) {
    std::string damaged = whole;
    damaged[at] ^= 1;
    EXPECT_THAT(refusal(folder.write("d", damaged)), HasSubstr("not the whole checkpoint")) << "byte " << at;
  }
  EXPECT_EQ(refusal(folder.file("c")), "taken");
}

TEST(Checkpoint, OnlyDamageMakesTheOneBeforeTheLast) {
  const FreshFolder folder;
  const std::string path = folder.file("c"), previous = previous_checkpoint(path);
  write_checkpoint(path, some_facts(), some_state());
  write_checkpoint(path, some_facts(), some_state());
  const std::string whole = bytes_of(path);
  std::filesystem::remove(path);
  std::filesystem::create_directory(path);
  EXPECT_THROW(find_checkpoint(path), InputError) << "what cannot be read is not known to be damaged";
  std::filesystem::remove(path);
  EXPECT_THROW(find_checkpoint(folder.file(std::string(300, 'n'))), InputError) << "nor what cannot be looked for";

  folder.write("c", "damaged");
  make_previous_the_last(path);
  EXPECT_EQ(bytes_of(path), whole);
  EXPECT_EQ(bytes_of(damaged_checkpoint(path)), "damaged");
  EXPECT_FALSE(std::filesystem::exists(previous));
  EXPECT_THROW(make_previous_the_last(path), FailedError) << "there is none before it";
}

/// A checkpoint's header and data, to be changed and given a checksum that is right.
struct Parts {
  nlohmann::json header;
  std::string data;

  explicit Parts(const std::string& bytes) {
    std::uint64_t length = 0;
    std::memcpy(&length, bytes.data(), sizeof(length));
    header = nlohmann::json::parse(bytes.substr(8, length));
    data = bytes.substr(8 + length);
  }
  std::string& fact(const char* key) { return header["__metadata__"][key].get_ref<std::string&>(); }
  void set_cell(int row, int column, double value) {
    const std::size_t begin = header["epochs"]["data_offsets"][0].get<std::size_t>();
    std::memcpy(data.data() + begin + 8 * static_cast<std::size_t>(12 * row + column), &value, sizeof(value));
  }
  std::string bytes() const {
    std::string text = testing_support::safetensors(header.dump(), data);
    test::seal_checkpoint(text.data(), static_cast<Position>(text.size()));
    return text;
  }
};

class WithAChecksum : public testing::Test {
 protected:
  WithAChecksum() { write_checkpoint(folder_.file("c"), some_facts(), some_state()); }

  std::string after(const std::function<void(Parts&)>& change) const {
    Parts parts(bytes_of(folder_.file("c")));
    change(parts);
    return refusal(folder_.write("d", parts.bytes()));
  }
  std::string with_fact(const char* key, const std::string& value) const {
    return after([&](Parts& parts) { parts.fact(key) = value; });
  }
  std::string with_cell(int row, int column, double value) const {
    return after([&](Parts& parts) { parts.set_cell(row, column, value); });
  }

  FreshFolder folder_;
};

TEST_F(WithAChecksum, WhatIsAsWrittenIsTaken) {
  EXPECT_EQ(after([](Parts&) {}), "taken") << "the tests below rewrite files as this does";
  EXPECT_THAT(refusal(folder_.file("absent")), HasSubstr("cannot be opened"));
}

TEST_F(WithAChecksum, OtherFactsAreRefused) {
  for (const char* key : {"format", "format_version", "epoch", "grid", "identity", "numbers", "counts"}) {
    EXPECT_THAT(after([key](Parts& parts) { parts.header["__metadata__"].erase(key); }),
                HasSubstr(std::string("has no ") + key));
  }
  EXPECT_THAT(with_fact("format", "other"), HasSubstr("is no checkpoint"));
  EXPECT_THAT(with_fact("format_version", "1"), HasSubstr("this program reads version 2"));
  for (const char* epoch : {"", "0", "-1", "2x", " 2", "2147483648", "99999999999999999999"}) {
    EXPECT_THAT(with_fact("epoch", epoch), HasSubstr("its epoch is ")) << epoch;
  }
  for (const char* grid : {"", "-1", "1025", "7.5"}) {
    EXPECT_THAT(with_fact("grid", grid), HasSubstr("its grid is ")) << grid;
  }
  EXPECT_EQ(with_fact("grid", "1024"), "taken");
  for (const char* key : {"identity", "numbers", "counts"}) {
    for (const char* text : {"", "{", "[]", "1", "null"}) {
      EXPECT_THAT(with_fact(key, text), HasSubstr(std::string("its ") + key + " are no JSON object")) << text;
    }
  }
  EXPECT_THAT(with_fact("identity", R"({"--rank": 8})"), HasSubstr("\"--rank\" is no text"));
  EXPECT_THAT(with_fact("numbers", R"({"lr": 0.5})"), HasSubstr("\"lr\" is no text"));
  for (const char* number : {R"({"lr": ""})", R"({"lr": "0.5x"})", R"({"lr": "x"})"}) {
    EXPECT_THAT(with_fact("numbers", number), HasSubstr("its number \"lr\" is ")) << number;
  }
  for (const char* count : {"1.5", "1e300", "18446744073709551615", "9223372036854775808", "\"1\"", "true", "null"}) {
    EXPECT_THAT(with_fact("counts", std::string(R"({"step": )") + count + "}"),
                HasSubstr("\"step\" is no whole number"))
        << count;
  }
  EXPECT_EQ(with_fact("counts", R"({"step": 9223372036854775807, "minus": -1})"), "taken");
}

TEST_F(WithAChecksum, ReportsThatAreNotThoseOfItsEpochsAreRefused) {
  for (const char* epoch : {"1", "3"})
    EXPECT_THAT(with_fact("epoch", epoch), HasSubstr("its epochs are not ")) << epoch;
  EXPECT_THAT(refusal(folder_.file("c"), CheckpointFile::Steps::passes), HasSubstr("its epochs are not 0 rows"));
  EXPECT_THAT(after([](Parts& parts) {
                parts.header["epochs"]["shape"] = {3, 8};
              }),
              HasSubstr("its epochs are not 2 rows of 12 numbers"));
  EXPECT_THAT(after([](Parts& parts) { parts.header["epochs"]["shape"] = {24}; }), HasSubstr("its epochs are not "));
  const auto refuses = [this](int row, int column, const std::vector<double>& values) {
    for (const double value : values) {
      EXPECT_THAT(with_cell(row, column, value), HasSubstr("row " + std::to_string(row) + " of its epochs"))
          << "column " << column << ": " << value;
    }
  };
  const double nan = std::numeric_limits<double>::quiet_NaN();
  refuses(0, 0, {0, 2, 1.5, -1, nan, kInfinity});
  refuses(1, 0, {1, 3});
  refuses(1, 3, {-1, 8, 0.5, 1e300, nan, kInfinity, -kInfinity});
  for (const int column : {9, 10}) refuses(0, column, {-1, 0.5, 9007199254740994.0, 1e300, nan, kInfinity});
  refuses(1, 11, {-1, 0.5, 2, nan});
  EXPECT_EQ(with_cell(0, 9, 9007199254740992.0), "taken");
}

TEST_F(WithAChecksum, TensorsOfOtherTypesAreRefused) {
  for (const auto& [tensor, type] : std::vector<std::pair<const char*, const char*>>{
           {"epochs", "I64"}, {"metrics", "I8"}, {"tables.user_factors", "I32"}, {"last_step", "F64"}}) {
    EXPECT_NE(after([&, name = tensor, dtype = type](Parts& parts) { parts.header[name]["dtype"] = dtype; }), "taken")
        << tensor;
  }
  for (const char* tensor : {"epochs", "metrics"}) {
    EXPECT_THAT(after([tensor](Parts& parts) {
                  parts.header["other"] = parts.header[tensor];
                  parts.header.erase(tensor);
                }),
                HasSubstr(tensor));
  }
}

TEST(Checkpoint, WhatKilledWritersLeftIsRemoved) {
  const FreshFolder folder;
  const pid_t ended = fork();
  if (ended == 0) _exit(0);
  waitpid(ended, nullptr, 0);
  folder.write("c.part-" + std::to_string(ended) + "-0", "half");
  const std::string ours = folder.write("c.part-" + std::to_string(::getpid()) + "-0", "half");
  const std::string other = folder.write("other.part-" + std::to_string(ended) + "-0", "half");
  const std::string named = folder.write("c.part-of-mine", "text");
  remove_unfinished(folder.file("c"));
  EXPECT_EQ(folder.count(), 3);
  for (const std::string& path : {ours, other, named}) EXPECT_TRUE(std::filesystem::exists(path)) << path;
}

}  // namespace
}  // namespace wf
