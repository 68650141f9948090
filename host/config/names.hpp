// The words of the enumerations, once: for the command line, the model file and the messages.
#pragma once
#include "host/config/config.hpp"
#include "host/config/split_config.hpp"

#include <array>
#include <optional>
#include <string_view>
#include <utility>

namespace wf {

template <class Enum>
struct Names;  // specialised below: a table of (word, value), the first word of a value being its name

#define WF_NAMES(Enum, count, ...)                                                              \
  template <>                                                                                   \
  struct Names<Enum> {                                                                          \
    static constexpr std::array<std::pair<std::string_view, Enum>, count> table{{__VA_ARGS__}}; \
  }
WF_NAMES(Algorithm, 8, {"sgd", Algorithm::sgd}, {"als", Algorithm::als}, {"ials", Algorithm::ials},
         {"svd", Algorithm::svd}, {"pca", Algorithm::pca}, {"nmf", Algorithm::nmf}, {"gd", Algorithm::gd},
         {"ccd", Algorithm::ccd});
WF_NAMES(Solver, 5, {"cholesky", Solver::cholesky}, {"cg", Solver::cg}, {"subspace", Solver::subspace},
         {"multiplicative", Solver::multiplicative}, {"hals", Solver::hals});
WF_NAMES(Precision, 4, {"fp32", Precision::fp32}, {"tf32", Precision::tf32}, {"fp16", Precision::fp16},
         {"bf16", Precision::bf16});
WF_NAMES(NmfLoss, 2, {"frobenius", NmfLoss::frobenius}, {"kl", NmfLoss::kl});
WF_NAMES(Missing, 2, {"unobserved", Missing::unobserved}, {"zero", Missing::zero});
WF_NAMES(Convention, 4, {"hu", Convention::hu}, {"implicit", Convention::implicit}, {"spark", Convention::spark},
         {"ials", Convention::ials});
WF_NAMES(Loss, 11, {"mse", Loss::mse}, {"l1", Loss::l1}, {"huber", Loss::huber},
         {"bce_with_logits", Loss::bce_with_logits}, {"kl", Loss::kl}, {"logistic", Loss::logistic},
         {"hinge", Loss::hinge}, {"squared_hinge", Loss::squared_hinge}, {"bpr", Loss::bpr},
         {"bpr_item", Loss::bpr_item}, {"warp", Loss::warp});
WF_NAMES(Reduction, 2, {"mean", Reduction::mean}, {"sum", Reduction::sum});
WF_NAMES(Optimizer, 5, {"sgd", Optimizer::sgd}, {"adagrad", Optimizer::adagrad}, {"adam", Optimizer::adam},
         {"sparse_adam", Optimizer::sparse_adam}, {"row_adagrad", Optimizer::row_adagrad});
WF_NAMES(Gradients, 2, {"sparse", Gradients::sparse}, {"dense", Gradients::dense});
WF_NAMES(Init, 5, {"normal", Init::normal}, {"scaled", Init::scaled}, {"uniform", Init::uniform},
         {"kaiming_uniform", Init::kaiming_uniform}, {"kaiming_normal", Init::kaiming_normal});
WF_NAMES(FanMode, 2, {"fan_in", FanMode::fan_in}, {"fan_out", FanMode::fan_out});
WF_NAMES(Nonlinearity, 6, {"linear", Nonlinearity::linear}, {"relu", Nonlinearity::relu},
         {"leaky_relu", Nonlinearity::leaky_relu}, {"tanh", Nonlinearity::tanh}, {"sigmoid", Nonlinearity::sigmoid},
         {"selu", Nonlinearity::selu});
WF_NAMES(LrSchedule, 3, {"constant", LrSchedule::constant}, {"inverse", LrSchedule::inverse},
         {"bold_driver", LrSchedule::bold_driver});
WF_NAMES(Shuffle, 2, {"none", Shuffle::none}, {"epoch", Shuffle::epoch});
WF_NAMES(RegScaling, 3, {"count", RegScaling::count}, {"none", RegScaling::none}, {"weight", RegScaling::weight});
WF_NAMES(BiasInit, 2, {"zero", BiasInit::zero}, {"fitted", BiasInit::fitted});
WF_NAMES(Storage, 3, {"fp32", Storage::fp32}, {"fp16", Storage::fp16}, {"bf16", Storage::bf16});
WF_NAMES(SgdPlan, 2, {"chunks", SgdPlan::chunks}, {"tiles", SgdPlan::tiles});
WF_NAMES(ModelFormat, 5, {"libmf", ModelFormat::libmf}, {"npz", ModelFormat::npz}, {"npy", ModelFormat::npy},
         {"word2vec", ModelFormat::word2vec}, {"faiss", ModelFormat::faiss});
WF_NAMES(RatingsFormat, 6, {"csv", RatingsFormat::csv}, {"inter", RatingsFormat::inter}, {"mtx", RatingsFormat::mtx},
         {"npz", RatingsFormat::npz}, {"lightgcn", RatingsFormat::lightgcn}, {"pages", RatingsFormat::pages});
WF_NAMES(Similarity, 2, {"cosine", Similarity::cosine}, {"dot", Similarity::dot});
WF_NAMES(SplitMethod, 3, {"ratio", SplitMethod::ratio}, {"user-ratio", SplitMethod::user_ratio},
         {"leave-one-out", SplitMethod::leave_one_out});
WF_NAMES(SplitOrder, 2, {"random", SplitOrder::random}, {"timestamp", SplitOrder::timestamp});
WF_NAMES(Metric, 3, {"rmse", Metric::rmse}, {"mae", Metric::mae}, {"ndcg", Metric::ndcg});
WF_NAMES(Scale, 2, {"linear", Scale::linear}, {"log", Scale::log});
#undef WF_NAMES

template <class Enum>
constexpr std::string_view name_of(Enum value) {
  for (const auto& [word, candidate] : Names<Enum>::table) {
    if (candidate == value) return word;
  }
  return "?";
}

template <class Enum>
constexpr std::optional<Enum> from_name(std::string_view word) {
  for (const auto& [name, value] : Names<Enum>::table) {
    if (name == word) return value;
  }
  return std::nullopt;
}

}  // namespace wf
