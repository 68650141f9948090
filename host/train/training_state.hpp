// What a training needs to go on as if it had never stopped: arrays and numbers by name, the epochs done. How and where
// it is kept is not known here (host/api/checkpoint_file.hpp). Owners of state have a member `state(visit)` that names
// each piece once: StateSaver and StateLoader are two visitors, so that nothing is saved and not loaded.
#pragma once
#include "host/base/error.hpp"
#include "host/base/host_buffer.hpp"
#include "host/train/epoch_report.hpp"

#include <algorithm>
#include <limits>
#include <map>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace wf {

/// Values of one of the types that a state has. In its own memory, or in that of the training: then until its next
/// epoch.
class StateArray {
 public:
  enum class Type { f32, i64 };
  template <class T>
  static constexpr Type kTypeOf = std::is_same_v<T, float> ? Type::f32 : Type::i64;

  StateArray() = default;
  template <class T>
  explicit StateArray(Span<const T, Host> values) : type_(checked_type<T>()), size_(values.size), data_(values.data) {}
  explicit StateArray(HostBuffer<float>&& values)
      : size_(values.size()), floats_(std::move(values)), data_(floats_.data()) {}
  explicit StateArray(HostBuffer<Position>&& values)
      : type_(Type::i64), size_(values.size()), wholes_(std::move(values)), data_(wholes_.data()) {}

  Type type() const { return type_; }
  Position size() const { return size_; }
  Position bytes() const { return size_ * (type_ == Type::f32 ? 4 : 8); }
  const void* data() const { return data_; }

  /// Its values, of the type that it is: its own memory where it has it, else a copy.
  template <class T>
  HostBuffer<T> take() {
    HostBuffer<T>& own = own_of<T>();
    if (size_ == 0 || own.data() == data_) return std::move(own);
    HostBuffer<T> values(size_);
    const T* from = static_cast<const T*>(data_);
    std::copy(from, from + size_, values.begin());
    return values;
  }

 private:
  template <class T>
  HostBuffer<T>& own_of() {
    if constexpr (std::is_same_v<T, float>) {
      return floats_;
    } else {
      return wholes_;
    }
  }
  template <class T>
  static constexpr Type checked_type() {
    static_assert(std::is_same_v<T, float> || std::is_same_v<T, Position>);
    return kTypeOf<T>;
  }

  Type type_ = Type::f32;
  Position size_ = 0;
  HostBuffer<float> floats_;
  HostBuffer<Position> wholes_;
  const void* data_ = nullptr;
};

/// At the end of an epoch.
struct TrainingState {
  int epoch = 0;                    ///< the last one; of svd and pca, the last pass
  std::vector<EpochReport> epochs;  ///< all so far
  std::map<std::string, StateArray> arrays;
  std::map<std::string, double> numbers;
  std::map<std::string, Position> counts;
};

/// Adds what it is shown to a state. What is in memory of the host is not copied.
template <class Memory>
class StateSaver {
 public:
  StateSaver(Memory& memory, TrainingState& into) : memory_(memory), into_(into) {}

  void operator()(const std::string& name, const double& value) { into_.numbers[name] = value; }
  void operator()(const std::string& name, const Position& value) { into_.counts[name] = value; }
  void operator()(const std::string& name, const int& value) { into_.counts[name] = value; }
  template <class Buffer>
  requires(!std::is_arithmetic_v<Buffer>) void operator()(const std::string& name, const Buffer& buffer) {
    using T = std::remove_cv_t<std::remove_pointer_t<decltype(buffer.data())>>;
    if (buffer.empty()) return;
    if constexpr (std::is_same_v<typename Memory::Space, Host>) {
      into_.arrays.insert_or_assign(name, StateArray(Span<const T, Host>{buffer.data(), buffer.size()}));
    } else {
      HostBuffer<T> values(buffer.size());
      memory_.fetch(buffer.span(), values.span());
      into_.arrays.insert_or_assign(name, StateArray(std::move(values)));
    }
  }

 private:
  Memory& memory_;
  TrainingState& into_;
};

/// Gives back what StateSaver took, into buffers of the same size, which stay where they are; it is gone from the state
/// then. Throws FailedError for a piece that is not there, or of another size.
template <class Memory>
class StateLoader {
 public:
  StateLoader(Memory& memory, TrainingState& from) : memory_(memory), from_(from) {}

  void operator()(const std::string& name, double& value) { value = taken(from_.numbers, name); }
  void operator()(const std::string& name, Position& value) { value = taken(from_.counts, name); }
  void operator()(const std::string& name, int& value) {
    const Position count = taken(from_.counts, name);
    if (count < 0 || count > std::numeric_limits<int>::max()) refuse(name);
    value = static_cast<int>(count);
  }
  template <class Buffer>
  requires(!std::is_arithmetic_v<Buffer>) void operator()(const std::string& name, Buffer& buffer) {
    using T = std::remove_cv_t<std::remove_pointer_t<decltype(buffer.data())>>;
    if (buffer.empty()) return;
    StateArray array = taken(from_.arrays, name);
    if (array.type() != StateArray::kTypeOf<T> || array.size() != buffer.size()) refuse(name);
    const auto there = memory_.to_space(array.template take<T>());
    memory_.copy(there, buffer);
  }

 private:
  template <class Values>
  static typename Values::mapped_type taken(Values& values, const std::string& name) {
    const auto found = values.find(name);
    if (found == values.end()) refuse(name);
    typename Values::mapped_type value = std::move(found->second);
    values.erase(found);
    return value;
  }
  [[noreturn]] static void refuse(const std::string& name) {
    throw FailedError("the state to go on from has no \"" + name + "\" as this training needs it",
                      "it is of another version of the program: begin afresh");
  }

  Memory& memory_;
  TrainingState& from_;
};

/// Whether all floats of its arrays are.
bool all_finite(const TrainingState& state);

/// Throws FailedError where a piece was left: the training that it is from had more to remember.
void check_all_taken(const TrainingState& state);

}  // namespace wf
