// What a training needs to go on as if it had never stopped: arrays and numbers by name, the epochs done. How and where
// it is kept is not known here (host/api/checkpoint_file.hpp). Owners of state have a member `state(visit)` that names
// each piece once: StateSaver and StateLoader are two visitors, so that nothing is saved and not loaded.
#pragma once
#include "host/base/error.hpp"
#include "host/base/host_buffer.hpp"
#include "host/train/epoch_report.hpp"

#include <algorithm>
#include <functional>
#include <limits>
#include <map>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace wf {

/// Elements first, first + 1, ... of an array.
template <class T>
struct StatePiece {
  Position first;
  Span<T, Host> values;
};

/// What a rank has of an array of `size` elements that several ranks have between them.
template <class T>
struct SharedState {
  Position size;
  std::vector<StatePiece<T>> pieces;
};

/// Values of one of the types that a state has. In its own memory, in that of the training, until its next epoch, or
/// where `Read` finds them. Of several ranks, each has some pieces of it.
class StateArray {
 public:
  enum class Type { f32, i64 };
  template <class T>
  static constexpr Type kTypeOf = std::is_same_v<T, float> ? Type::f32 : Type::i64;

  struct Piece {
    Position first, count;
    const void* data;
  };
  /// Elements first .. first + count - 1, from where they are kept.
  using Read = std::function<void(Position first, Position count, void* into)>;

  StateArray() = default;
  template <class T>
  explicit StateArray(Span<const T, Host> values) : StateArray(checked_type<T>(), values.size) {
    add(StatePiece<const T>{0, values});
  }
  explicit StateArray(HostBuffer<float>&& values) : StateArray(std::as_const(values).span()) {
    floats_ = std::move(values);
  }
  explicit StateArray(HostBuffer<Position>&& values) : StateArray(std::as_const(values).span()) {
    wholes_ = std::move(values);
  }
  /// Without `read`: nothing of it is here yet.
  StateArray(Type type, Position size, Read read = {}) : type_(type), size_(size), read_(std::move(read)) {}

  Type type() const { return type_; }
  Position size() const { return size_; }
  Position element_bytes() const { return type_ == Type::f32 ? 4 : 8; }
  Position bytes() const { return size_ * element_bytes(); }

  template <class T>
  void add(const StatePiece<const T>& piece) {
    pieces_.push_back({piece.first, piece.values.size, piece.values.data});
  }
  const std::vector<Piece>& pieces() const { return pieces_; }  ///< that are in memory

  /// Elements `first`, first + 1, ... Throws FailedError where they are not here.
  template <class T>
  void read(Position first, Span<T, Host> into) const {
    if (into.empty()) return;
    if (read_) return read_(first, into.size, into.data);
    for (const Piece& piece : pieces_) {
      if (first < piece.first || first + into.size > piece.first + piece.count) continue;
      std::copy_n(static_cast<const T*>(piece.data) + (first - piece.first), into.size, into.data);
      return;
    }
    throw FailedError("some of a state are not in this process", "begin afresh");
  }

 private:
  template <class T>
  static constexpr Type checked_type() {
    static_assert(std::is_same_v<T, float> || std::is_same_v<T, Position>);
    return kTypeOf<T>;
  }

  Type type_ = Type::f32;
  Position size_ = 0;
  Read read_;
  HostBuffer<float> floats_;
  HostBuffer<Position> wholes_;
  std::vector<Piece> pieces_;
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
  void operator()(const std::string& name, const SharedState<float>& shared) {
    StateArray array(StateArray::Type::f32, shared.size);
    for (const StatePiece<float>& piece : shared.pieces) array.add(StatePiece<const float>{piece.first, piece.values});
    into_.arrays.insert_or_assign(name, std::move(array));
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
    const StateArray array = checked(name, StateArray::kTypeOf<T>, buffer.size());
    if constexpr (std::is_same_v<typename Memory::Space, Host>) {
      array.read(0, Span<T, Host>{buffer.data(), buffer.size()});
    } else {
      HostBuffer<T> values(buffer.size());
      array.read(0, values.span());
      memory_.copy(memory_.to_space(std::move(values)), buffer);
    }
  }
  void operator()(const std::string& name, const SharedState<float>& shared) {
    const StateArray array = checked(name, StateArray::Type::f32, shared.size);
    for (const StatePiece<float>& piece : shared.pieces) array.read(piece.first, piece.values);
  }

 private:
  StateArray checked(const std::string& name, StateArray::Type type, Position size) {
    StateArray array = taken(from_.arrays, name);
    if (array.type() != type || array.size() != size) refuse(name);
    return array;
  }
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
