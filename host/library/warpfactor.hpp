// warpfactor as a library: ratings in, a model out, and what one does with it. Installed as <warpfactor/warpfactor.hpp>
// and all that a program needs; it includes nothing but the standard library.
//
// Nothing here prints, ends the program or needs a device. What goes wrong is an Error. An object is for one thread at
// a time; different objects do not mind each other. One that was moved from can only be assigned to, or end.
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace warpfactor {

/// Who can mend it: nobody (a disk that is full, a run that diverged in its first epoch), the caller, who wrote the
/// file, who has the device or its memory.
enum class ErrorKind { failed = 1, usage = 2, input = 3, device = 4 };

/// what() is the whole sentence: "WHERE: WHAT (CURE)".
class Error : public std::runtime_error {
 public:
  Error(ErrorKind kind, const std::string& text) : std::runtime_error(text), kind_(kind) {}
  ErrorKind kind() const { return kind_; }

 private:
  ErrorKind kind_;
};

/// The value of a setting, as a command line has it: 32, 0.05, true, "als".
class Value {
 public:
  Value() = default;
  Value(const char* text) : text_(text) {}
  Value(std::string text) : text_(std::move(text)) {}
  template <class Number>
  requires std::is_arithmetic_v<Number> Value(Number number) : text_(text_of(number)) {}
  const std::string& text() const { return text_; }

 private:
  static std::string text_of(bool value) { return value ? "true" : "false"; }
  static std::string text_of(double value);
  template <class Number>
  static std::string text_of(Number number) {
    if constexpr (std::is_integral_v<Number>) return std::to_string(number);
    return text_of(static_cast<double>(number));
  }

  std::string text_;
};

/// By the long names of the command line's options, without dashes: docs/parameters.md. {{"rank", 32}, {"lambda",
/// 0.05}}
using Settings = std::map<std::string, Value>;

/// (user, item, value) triples. Ids are texts, and come out as they went in; integers are texts of digits.
class Ratings {
 public:
  Ratings();
  ~Ratings();
  Ratings(Ratings&&) noexcept;
  Ratings& operator=(Ratings&&) noexcept;

  /// Any file that the command line reads (docs/formats.md): what it is is found out by its bytes.
  static Ratings read(const std::string& path);

  void add(std::string_view user, std::string_view item, float value = 1);
  void add(std::int64_t user, std::int64_t item, float value = 1) {
    add(std::to_string(user), std::to_string(item), value);
  }

  std::size_t size() const;
  std::size_t n_users() const;
  std::size_t n_items() const;
  /// The items that a user has rated; none for a user who has not. Goes through all ratings.
  std::vector<std::string> items_of(std::string_view user) const;

 private:
  friend class Model;
  struct State;
  std::unique_ptr<State> state_;
};

/// One epoch of a training.
struct Epoch {
  int epoch = 0;   ///< from 1
  int epochs = 0;  ///< planned
  double train_rmse = 0;
  std::optional<double> valid_rmse;
  bool best = false;
};

/// An item or a user, and how well it fits.
struct Scored {
  std::string id;
  float score = 0;
};

/// An item that someone who is no user of the model has rated.
struct RatedItem {
  std::string item;
  float value = 1;
};

struct Errors {
  double rmse = 0, mae = 0;  ///< NaN without a rating
  std::size_t n = 0;
  std::size_t n_unknown = 0;  ///< of them of a user or an item that the model does not know
};

/// Vectors of users and items whose dot product, with their biases, predicts a rating.
class Model {
 public:
  ~Model();
  Model(Model&&) noexcept;
  Model& operator=(Model&&) noexcept;

  /// Trains as `warpfactor train` does with the same settings: a part of the ratings validates, and the best epoch is
  /// the model. `on_epoch` is called after each; false stops.
  static Model train(const Ratings& ratings, const Settings& settings = {},
                     const std::function<bool(const Epoch& epoch)>& on_epoch = {});

  /// A .safetensors file of `warpfactor train` or of a PyTorch module, or LIBMF's text.
  static Model read(const std::string& path);
  /// Replaces the file at once, when all of it is written.
  void write(const std::string& path) const;

  std::size_t n_users() const;
  std::size_t n_items() const;
  int rank() const;
  std::optional<double> valid_rmse() const;  ///< of the training's best epoch; none of a model that was read
  /// Of a training that diverged behind its first epoch, of which this is the best one: what happened, and what to
  /// change. Else empty.
  const std::string& divergence() const;

  /// For ids that the model does not know, the mean and what is known.
  float predict(std::string_view user, std::string_view item) const;
  Errors evaluate(const Ratings& ratings) const;

  /// The `n` items that fit best, best first; ties in the order of the training file. Fewer where there are no more.
  /// Error(usage) for a user that the model does not know.
  std::vector<Scored> recommend(std::string_view user, std::size_t n = 10,
                                const std::vector<std::string>& left_out = {}) const;
  /// The same for someone new, by what they have rated, without training again; that is left out. Error(usage) where
  /// the model knows none of it.
  std::vector<Scored> recommend(const std::vector<RatedItem>& history, std::size_t n = 10) const;

  /// Those whose vectors point the same way: cosine, best first, without itself.
  std::vector<Scored> similar_items(std::string_view item, std::size_t n = 10) const;
  std::vector<Scored> similar_users(std::string_view user, std::size_t n = 10) const;

  /// Row-major [n_users x rank] and [n_items x rank], and the ids of the rows: Error(usage) for one beyond them.
  std::span<const float> user_factors() const;
  std::span<const float> item_factors() const;
  std::string user_id(std::size_t row) const;
  std::string item_id(std::size_t row) const;

 private:
  struct State;
  explicit Model(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

std::string version();  ///< "0.1.0"

}  // namespace warpfactor
