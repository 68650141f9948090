// Models in other programs' files: read back by readers of their own, and beside a file that the program itself wrote.
#include "host/base/error.hpp"
#include "host/model/vector_files.hpp"
#include "host/ratings/numpy_file.hpp"
#include "tests/support/npz.hpp"
#include "tests/support/run_program.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace wf::test {
namespace {

using testing::ElementsAre;
using testing::StartsWith;

/// Three items of two factors and, with biases, what tests/fixtures/faiss/flat_ip.faiss has for vectors.
Model small_model(bool biases) {
  Model model = make_model(2, 3, 2, biases);
  const float factors[] = {1, 2, -3, 0.25F, 0, 7};
  std::copy_n(factors, 6, model.tables.item_factors.data());
  for (int n = 0; n < 4; ++n) model.tables.user_factors[n] = static_cast<float>(n) / 3;
  const float of_items[] = {0.5F, 1, -1};
  for (int n = 0; biases && n < 3; ++n) model.tables.item_biases[n] = of_items[n];
  for (int n = 0; biases && n < 2; ++n) model.tables.user_biases[n] = static_cast<float>(n);
  for (const char* id : {"10", "-7"}) model.users.insert(id);
  for (const char* id : {"a", "h\xC3\xA9", "\xF0\x9F\x8E\xAC!"}) model.items.insert(id);
  return model;
}

TEST(Faiss, WritesTheBytesThatFaissWrites) {
  const TemporaryFolder folder;
  const std::string path = folder.file("items.faiss");
  write_faiss_index(small_model(true), path);
  // faiss 1.15: index = IndexFlatIP(3); index.add([[1, 2, .5], [-3, .25, 1], [0, 7, -1]]); write_index(index, path)
  EXPECT_EQ(read_text(path), read_text(std::string(WF_FIXTURES) + "/faiss/flat_ip.faiss"));
}

TEST(Faiss, WithoutBiasesHasTheFactorsAlone) {
  const TemporaryFolder folder;
  const std::string path = folder.file("items.faiss");
  write_faiss_index(small_model(false), path);
  EXPECT_EQ(read_text(path).size(), 4U + 4 + 8 + 16 + 1 + 4 + 8 + 6 * 4);
}

TEST(Numpy, ArraysComeBackAsTheyWere) {
  const TemporaryFolder folder;
  const Model model = small_model(true);
  const std::string path = folder.file("model.npz");
  write_npz(path, {{"factors", numpy_array(model.tables.item_factors.span(), 3, 2)},
                   {"biases", numpy_array(model.tables.item_biases.span(), 3)},
                   {"mean", numpy_value(3.5F)},
                   {"ids", numpy_ids(model.users, 2)}});
  const auto arrays = read_npz(path);
  ASSERT_EQ(arrays.size(), 4U);
  EXPECT_THAT(arrays.at("factors").shape, ElementsAre(3, 2));
  EXPECT_THAT(arrays.at("factors").values, ElementsAre(1, 2, -3, 0.25, 0, 7));
  EXPECT_THAT(arrays.at("biases").shape, ElementsAre(3));
  EXPECT_THAT(arrays.at("biases").values, ElementsAre(0.5, 1, -1));
  EXPECT_TRUE(arrays.at("mean").shape.empty());
  EXPECT_THAT(arrays.at("mean").values, ElementsAre(3.5));
  EXPECT_THAT(arrays.at("ids").values, ElementsAre(10, -7));
}

TEST(Numpy, HeadersAreThoseOfTheFormat) {
  const TemporaryFolder folder;
  const std::string path = folder.file("a.npy");
  const Model model = small_model(false);
  write_npy(path, numpy_array(model.tables.item_factors.span(), 3, 2));
  const std::string bytes = read_text(path);
  EXPECT_EQ(bytes.size(), 128U + 24);  // numpy.lib.format: the values begin at a multiple of 64
  EXPECT_THAT(bytes, StartsWith(std::string("\x93NUMPY\x01\x00v\x00{'descr': '<f4', 'fortran_order': False, "
                                            "'shape': (3, 2), }",
                                            10 + 59)));
  EXPECT_EQ(bytes[127], '\n');
  write_npy(path, numpy_array(model.tables.item_factors.span(), 6));
  EXPECT_NE(read_text(path).find("'shape': (6,), }"), std::string::npos);
  write_npy(path, numpy_value(1));
  EXPECT_NE(read_text(path).find("'shape': (), }"), std::string::npos);
}

TEST(Numpy, TextIdsHaveTheWidthOfTheLongest) {
  const Model model = small_model(false);
  const NumpyArray ids = numpy_ids(model.items, 3);
  EXPECT_EQ(ids.type, "<U2");
  const std::vector<char32_t> expected{U'a', 0, U'h', U'\u00E9', U'\U0001F3AC', U'!'};
  ASSERT_EQ(ids.bytes, 24);
  EXPECT_EQ(ids.owned, std::string(reinterpret_cast<const char*>(expected.data()), 24));
  for (const char* text : {"\xC3", "\xFF", "a\x80", "\xE2\x82", "\xC0\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80"}) {
    IdMap broken(IdKind::strings);
    broken.insert(text);
    EXPECT_THROW(numpy_ids(broken, 1), UsageError) << text;
  }
}

TEST(Word2vec, IsOneLineARow) {
  const TemporaryFolder folder;
  const std::string path = folder.file("vectors.txt");
  write_word2vec(small_model(true), true, path);
  EXPECT_EQ(read_text(path), "3 2\na 1 2\nh\xC3\xA9 -3 0.25\n\xF0\x9F\x8E\xAC! 0 7\n");
  write_word2vec(small_model(true), false, path);
  EXPECT_EQ(read_text(path), "2 2\n10 0 0.33333334\n-7 0.6666667 1\n");
  Model blank = small_model(false);
  blank.items = IdMap(IdKind::strings);
  for (const char* id : {"a", "b c", "d"}) blank.items.insert(id);
  EXPECT_THROW(write_word2vec(blank, true, path), UsageError);
  EXPECT_EQ(read_text(path).substr(0, 4), "2 2\n") << "the file from before stays";
}

}  // namespace
}  // namespace wf::test
