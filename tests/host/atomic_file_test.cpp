// A file written through AtomicFile is there whole or not at all, and nothing else stays behind.
#include "host/base/atomic_file.hpp"

#include "host/base/error.hpp"
#include "tests/host/model_support.hpp"

#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>
#include <vector>

namespace wf {
namespace {

using testing::HasSubstr;
using testing_support::bytes_of;
using testing_support::FreshFolder;

mode_t permissions(const std::string& path) {
  struct stat facts {};
  EXPECT_EQ(::stat(path.c_str(), &facts), 0);
  return facts.st_mode & 0777;
}

std::string message(const std::string& path) {
  try {
    const AtomicFile file(path);
  } catch (const FailedError& error) {
    return error.what();
  }
  return "no error";
}

TEST(AtomicFile, WritesAllBytesAndNothingBeside) {
  const FreshFolder folder;
  AtomicFile file(folder.file("a"));
  file.write("ab\0", 3);
  file.write("c", 1);
  file.commit();
  EXPECT_EQ(bytes_of(folder.file("a")), std::string("ab\0c", 4));
  EXPECT_EQ(folder.count(), 1);
}

TEST(AtomicFile, KeepsTheOldFileUntilCommit) {
  const FreshFolder folder;
  folder.write("a", "old");
  AtomicFile file(folder.file("a"));
  file.write("new", 3);
  EXPECT_EQ(bytes_of(folder.file("a")), "old");
  file.commit();
  EXPECT_EQ(bytes_of(folder.file("a")), "new");
}

TEST(AtomicFile, KeepsTheOldFileUnderAnotherName) {
  const FreshFolder folder;
  for (const std::string text : {"first", "second", "third"}) {
    AtomicFile file(folder.file("a"));
    file.write(text.data(), static_cast<Position>(text.size()));
    file.commit_keeping(folder.file("old"));
  }
  EXPECT_EQ(bytes_of(folder.file("a")), "third");
  EXPECT_EQ(bytes_of(folder.file("old")), "second");
  EXPECT_EQ(folder.count(), 2);
}

TEST(AtomicFile, LosesNothingWhereTheOldFileCannotBeKept) {
  const FreshFolder folder;
  folder.write("a", "old");
  {
    AtomicFile file(folder.file("a"));
    file.write("new", 3);
    EXPECT_THROW(file.commit_keeping(folder.file("absent/old")), FailedError);
  }
  EXPECT_EQ(bytes_of(folder.file("a")), "old");
  EXPECT_EQ(folder.count(), 1);
}

TEST(AtomicFile, LeavesNothingWithoutCommit) {
  const FreshFolder folder;
  {
    AtomicFile file(folder.file("a"));
    file.write("new", 3);
    EXPECT_EQ(folder.count(), 1);
  }
  EXPECT_EQ(folder.count(), 0);
}

TEST(AtomicFile, GivesTheResultTheUsualPermissions) {
  const FreshFolder folder;
  const mode_t old = ::umask(027);
  AtomicFile file(folder.file("a"));
  ::umask(old);
  file.commit();
  EXPECT_EQ(permissions(folder.file("a")), 0640U);
}

TEST(AtomicFile, KeepsThePermissionsOfTheOldFile) {
  const FreshFolder folder;
  for (const mode_t mode : {0600U, 0664U, 0444U}) {
    folder.write("a", "old");
    ASSERT_EQ(::chmod(folder.file("a").c_str(), mode), 0);
    AtomicFile file(folder.file("a"));
    file.commit();
    EXPECT_EQ(permissions(folder.file("a")), mode);
    std::filesystem::remove(folder.file("a"));
  }
}

/// The names of temporaries beside `name` in a folder.
std::vector<std::string> temporaries(const FreshFolder& folder, const std::string& name) {
  std::vector<std::string> found;
  for (const auto& entry : std::filesystem::directory_iterator(folder.file(""))) {
    if (entry.path().filename().string().starts_with(name + ".part-")) found.push_back(entry.path().string());
  }
  return found;
}

TEST(AtomicFile, NobodyElseReadsTheTemporary) {
  const FreshFolder folder;
  folder.write("a", "old");
  ASSERT_EQ(::chmod(folder.file("a").c_str(), 0644), 0);
  const mode_t old = ::umask(0);
  const AtomicFile over_an_old_one(folder.file("a")), fresh(folder.file("b"));
  ::umask(old);
  for (const char* name : {"a", "b"}) {
    ASSERT_EQ(temporaries(folder, name).size(), 1U);
    EXPECT_EQ(permissions(temporaries(folder, name)[0]), 0600U);
  }
}

TEST(AtomicFile, FollowsNoLinkAtTheTemporarysName) {
  const FreshFolder folder;
  folder.write("victim", "precious");
  std::string name;
  {
    const AtomicFile probe(folder.file("a"));
    ASSERT_EQ(temporaries(folder, "a").size(), 1U);
    name = temporaries(folder, "a")[0];
  }
  const std::size_t dash = name.rfind('-');
  const int next = std::stoi(name.substr(dash + 1)) + 1;
  for (int n = next; n < next + 10; ++n) {  // as somebody would who knows process and counter
    ASSERT_EQ(::symlink("victim", (name.substr(0, dash + 1) + std::to_string(n)).c_str()), 0);
  }
  AtomicFile file(folder.file("a"));
  file.write("new", 3);
  file.commit();
  EXPECT_EQ(bytes_of(folder.file("victim")), "precious");
  EXPECT_EQ(bytes_of(folder.file("a")), "new");
  EXPECT_FALSE(std::filesystem::is_symlink(folder.file("a")));
}

TEST(AtomicFile, TwoWritersDoNotMeet) {
  const FreshFolder folder;
  AtomicFile one(folder.file("a")), two(folder.file("a"));
  one.write("one", 3);
  two.write("two", 3);
  one.commit();
  two.commit();
  EXPECT_EQ(bytes_of(folder.file("a")), "two");
}

TEST(AtomicFile, ReplacesWhatALinkPointsTo) {
  const FreshFolder folder;
  folder.write("target", "old");
  ASSERT_EQ(::symlink("target", folder.file("link").c_str()), 0);
  AtomicFile file(folder.file("link"));
  file.write("new", 3);
  file.commit();
  EXPECT_EQ(bytes_of(folder.file("target")), "new");
  EXPECT_TRUE(std::filesystem::is_symlink(folder.file("link")));
}

TEST(AtomicFile, WritesIntoADeviceInsteadOfReplacingIt) {
  AtomicFile file("/dev/null");
  file.write("x", 1);
  file.commit();
  EXPECT_TRUE(std::filesystem::is_character_file("/dev/null"));
}

TEST(AtomicFile, SaysWhichCallFailedAndWhy) {
  const FreshFolder folder;
  EXPECT_THAT(message(folder.file("absent/a")), HasSubstr("absent/a: cannot create the file: No such file"));
  EXPECT_THAT(message(folder.file("")), HasSubstr("cannot create the file: Is a directory"));
  AtomicFile full("/dev/full");
  EXPECT_THROW(full.write("x", 1), FailedError);
}

TEST(AtomicFile, ReportsAFolderThatVanished) {
  const FreshFolder folder;
  std::filesystem::create_directory(folder.file("gone"));
  AtomicFile file(folder.file("gone/a"));
  std::filesystem::remove_all(folder.file("gone"));
  EXPECT_THROW(file.commit(), FailedError);
}

}  // namespace
}  // namespace wf
