// What two trainings have in common: everything, to the bit.
#pragma once
#include "host/api/train.hpp"

namespace wf::test {

/// Tables of the models. Records a failure for each that differs.
void expect_same_model(const Training& one, const Training& other);

/// Epochs, losses, and why it ended.
void expect_same_reports(const Training& one, const Training& other);

}  // namespace wf::test
