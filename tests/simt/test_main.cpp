// The main function of test programs that run on the interpreter.
#include "tests/simt/listener.hpp"

int main(int argc, char** argv) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");  // OpenBLAS has a thread of its own, which a bare fork would lose
  testing::InitGoogleTest(&argc, argv);
  testing::UnitTest::GetInstance()->listeners().Append(new simt::NoFindings);  // owned by the list
  return RUN_ALL_TESTS();
}
