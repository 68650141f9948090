#include "host/cli/train_header.hpp"

#include "host/settings/algorithm_settings.hpp"
#include "host/settings/words.hpp"

#include <fmt/format.h>

namespace wf::cli {
namespace {

std::string ids_text(const Dataset& data) {
  const auto word = [](IdKind kind) {
    return kind == IdKind::rows ? "row-number" : kind == IdKind::integers ? "integer" : "string";
  };
  const char* users = word(data.users.kind());
  const char* items = word(data.items.kind());
  return users == items ? fmt::format("{} ids", users) : fmt::format("{} user ids, {} item ids", users, items);
}

std::string optimizer_text(const TrainConfig& config) {
  if (config.batch_size == 0) {
    return config.optimizer == Optimizer::row_adagrad ? "Adagrad by row, one step per rating"
                                                      : "SGD, one step per rating";
  }
  std::string text = fmt::format("{}, batches of {}, {} gradients, loss {}", name_of(config.optimizer),
                                 grouped(config.batch_size), name_of(config.gradients), name_of(config.reduction));
  if (config.optimizer == Optimizer::sgd) {
    text += fmt::format(", momentum {}, weight decay {}", config.momentum, config.weight_decay);
  } else if (config.optimizer == Optimizer::adagrad) {
    text += fmt::format(", eps {}", config.eps);
  } else {
    text += fmt::format(", beta1 {}, beta2 {}, eps {}", config.beta1, config.beta2, config.eps);
  }
  return text;
}

/// Of least squares and descent.
std::string solver_text(const TrainConfig& config) {
  if (config.algorithm == Algorithm::gd) return "gradient descent, steps by Armijo's rule";
  if (config.algorithm == Algorithm::ccd) return "coordinate descent, a factor at a time";
  std::string text = config.solver == Solver::cg ? fmt::format("{} steps of conjugate gradients", config.cg_steps)
                     : config.solver == Solver::subspace ? fmt::format("blocks of {} factors", config.block)
                                                         : std::string("exact");
  if (config.als_precision != Precision::fp32) text += fmt::format(", sums in {}", name_of(config.als_precision));
  if (config.algorithm != Algorithm::ials) return "alternating least squares, " + text;
  text = fmt::format("implicit ALS, {}, convention {}", text, name_of(config.convention));
  if (config.convention != Convention::ials) text += fmt::format(", α {:.4g}", config.alpha);
  return text + fmt::format(", unobserved {:.4g}", config.unobserved_weight);
}

std::string lambda_text(const TrainConfig& config) {
  std::string text = fmt::format("λ {:.4g}", config.lambda_user);
  if (config.lambda_user != config.lambda_item) text += fmt::format(" (users), {:.4g} (items)", config.lambda_item);
  text += config.reg_scaling == RegScaling::count  ? " by count"
          : config.reg_scaling == RegScaling::none ? " per row"
                                                   : fmt::format(" by weight, ν {:.4g}", config.nu);
  if (config.l1_user != config.l1_item) {
    text += fmt::format(", L1 {:.4g} (users), {:.4g} (items)", config.l1_user, config.l1_item);
  } else if (config.l1_user > 0) {
    text += fmt::format(", L1 {:.4g}", config.l1_user);
  }
  if (config.nonnegative) text += ", factors >= 0";
  return config.biases ? text + fmt::format(", bias λ {}", config.lambda_bias) : text;
}

std::string init_text(const InitConfig& init) {
  std::string text = fmt::format("init {}", name_of(init.kind));
  if (init.kind == Init::uniform) text += fmt::format(" {}..{}", init.low, init.high);
  if (init.kind == Init::kaiming_normal || init.kind == Init::kaiming_uniform) {
    text += fmt::format(" {} {}", name_of(init.fan_mode), name_of(init.nonlinearity));
  }
  if (init.scale != 1) text += fmt::format(" × {:.4g}", init.scale);
  return text;
}

std::string schedule_text(const TrainConfig& config) {
  std::string text = fmt::format("lr {:.4g} {}", config.lr, name_of(config.lr_schedule));
  if (config.lr_schedule == LrSchedule::inverse) text += fmt::format(" (decay {})", config.lr_decay);
  return text;
}

void print_model_extras(Console& console, const TrainConfig& config) {
  std::string text;
  const auto add = [&text](const std::string& part) { text += (text.empty() ? "" : " · ") + part; };
  if (config.norm_limit.active()) {
    add(fmt::format("rows at most {} long (p = {})", config.norm_limit.max_norm, config.norm_limit.norm_type));
  }
  if (config.scale_grad_by_freq) add("gradients divided by the row's count in the batch");
  if (config.storage != Storage::fp32)
    add(fmt::format("factors in {} while they are trained", name_of(config.storage)));
  if (config.user_padding >= 0) add(fmt::format("user row {} is padding", config.user_padding));
  if (config.item_padding >= 0) add(fmt::format("item row {} is padding", config.item_padding));
  if (!text.empty()) console.line("", text);
}

}  // namespace

void print_data(Console& console, const ReadReport& report, const Dataset& data, Position n_ratings,
                const TrainConfig& config) {
  const auto cells = static_cast<double>(data.users.size()) * static_cast<double>(data.items.size());
  const bool labels = has_two_classes(config.loss);
  const bool constant = labels ? report.min_value > 0 || !(report.max_value > 0) : report.min_value == report.max_value;
  const std::string values =
      report.implicit() ? "implicit, every value 1" : fmt::format("explicit {}–{}", report.min_value, report.max_value);
  console.line("data", fmt::format("{} users × {} items · {} · {:.2g} % dense · {}", grouped(data.users.size()),
                                   grouped(data.items.size()), values, 100 * static_cast<double>(n_ratings) / cells,
                                   ids_text(data)));
  if (constant && !is_pairwise(config.loss)) {
    const std::string all = !labels                ? fmt::format("{}", report.min_value)
                            : report.min_value > 0 ? "above 0, one of two classes"
                                                   : "0 or below, one of two classes";
    console.note(
        fmt::format("every rating is {}: --loss {} learns nothing from that; a column with different values "
                    "(--col-rating), or rows with 0 for what is not liked, would help",
                    all, name_of(config.loss)));
  }
  if (config.loss == Loss::bce_with_logits && (report.min_value < 0 || report.max_value > 1)) {
    console.note(fmt::format("--loss bce_with_logits expects ratings from 0 to 1, and these are {}–{}",
                             report.min_value, report.max_value));
  }
  if (config.loss == Loss::kl && report.min_value < 0) {
    throw UsageError(fmt::format("--loss kl is for ratings of 0 and above, and these begin at {}", report.min_value),
                     "take --loss mse, or shift the ratings");
  }
}

void print_split(Console& console, const TrainRequest& request, const TrainConfig& config, Position n_train,
                 Position n_valid) {
  if (n_valid > 0 && request.valid.empty()) {
    const double share = 100 * static_cast<double>(n_valid) / static_cast<double>(n_train + n_valid);
    console.line("split",
                 fmt::format("{:.3g} % train, {:.3g} % validation, random, seed {}", 100 - share, share, config.seed),
                 "--valid-frac, --valid, --seed");
  } else if (n_valid > 0) {
    console.line("split", fmt::format("{} train, {} validation", grouped(n_train), grouped(n_valid)), "--valid");
  } else {
    console.line("split",
                 finds_spectrum(config.algorithm)
                     ? "everything trains, nothing validates"
                     : "everything trains, nothing validates: no early stopping, the last epoch is the model",
                 request.no_valid ? "--no-valid" : "--valid-frac");
  }
  const bool steers = request.given.contains("patience") || request.given.contains("min-delta");
  if (steers && (n_valid == 0 || !config.early_stopping)) {
    console.note("--patience and --min-delta have no effect without validation and early stopping");
  }
}

void print_settings(Console& console, const TrainConfig& config, const Model& model, bool validates) {
  const std::string biases =
      model.has_biases() ? fmt::format("biases ({}), global mean {:.4f}", name_of(config.bias_init), model.global_mean)
                         : std::string("no biases");
  if (finds_spectrum(config.algorithm)) {
    const bool centres = config.algorithm == Algorithm::pca;
    console.line("model", fmt::format("rank {} · {}", config.rank, centres ? "means of items as biases" : "no biases"),
                 "--rank");
    console.line("train",
                 fmt::format("{} · cells without a rating are 0 · {}, {} more columns in the sketch",
                             centres ? "principal components" : "truncated singular value decomposition",
                             plural(config.power_iterations, "power iteration"), config.oversample),
                 "--algorithm, --power-iterations, --oversample");
    return;
  }
  console.line("model", fmt::format("rank {} · {} · {}", config.rank, biases, init_text(config.init)),
               "--rank, --biases, --bias-init, --global-mean, --init");
  print_model_extras(console, config);
  const std::string patience = !validates ? ""
                               : config.early_stopping
                                   ? fmt::format(", patience {}, min-delta {}", config.patience, config.min_delta)
                               : is_pairwise(config.loss) ? ", the last one is the model"
                                                          : ", no early stopping";
  if (config.algorithm == Algorithm::nmf) {
    console.line("train",
                 fmt::format("nonnegative factors, {} updates · {} · cells without a rating {}", name_of(config.solver),
                             config.nmf_loss == NmfLoss::kl ? "Kullback-Leibler" : "squared errors",
                             config.missing == Missing::zero ? "are 0" : "are unknown"),
                 "--algorithm, --solver, --nmf-loss, --missing");
    console.line("", fmt::format("at most {}{}", plural(config.epochs, "sweep"), patience), "--epochs, --patience");
    return;
  }
  if (config.algorithm != Algorithm::sgd) {
    console.line(
        "train", fmt::format("{} · {}", solver_text(config), lambda_text(config)),
        config.algorithm == Algorithm::ials
            ? "--algorithm, --solver, --convention, --alpha, --unobserved-weight, --lambda, --reg-scaling, --nu"
            : "--algorithm, --solver, --lambda, --lambda-bias, --reg-scaling");
    console.line("", fmt::format("at most {}{}", plural(config.epochs, "sweep"), patience), "--epochs, --patience");
    return;
  }
  console.line("train",
               fmt::format("{} · {} · {} · {}", name_of(config.loss), optimizer_text(config), lambda_text(config),
                           schedule_text(config)),
               "--loss, --batch-size, --optimizer, --lambda, --lambda-bias, --reg-scaling, --lr, --lr-schedule");
  console.line("",
               fmt::format("at most {}{} · shuffle {} · grid {}", plural(config.epochs, "epoch"), patience,
                           name_of(config.shuffle), config.grid == 0 ? "auto" : std::to_string(config.grid)),
               "--epochs, --patience, --min-delta, --shuffle, --grid");
}

}  // namespace wf::cli
