// The body of PanelLoops, to be inlined into functions that are compiled for one instruction set.
#pragma once
#include "host/cpu/lanes.hpp"
#include "host/cpu/panel_loops.hpp"

namespace wf {

/// Is any lane of a or b at least `floor`?
struct ReachByLane {
  template <class Vector>
  WF_INLINE static bool any(const Vector& a, const Vector& b, const float* floor) {
    bool reached = false;
    for (int lane = 0; lane < lanes::kLanes<Vector>; ++lane) reached |= a[lane] >= *floor || b[lane] >= *floor;
    return reached;
  }
};

template <class Ops, class Reach, class Vector>
class PanelRows {
  static constexpr int kLanes = lanes::kLanes<Vector>;
  static constexpr int kColumns = 2 * kLanes;
  static constexpr int kUsers = PanelLoops::kUsers, kPanel = PanelLoops::kPanel;
  static constexpr int kTile = kLanes == 16 ? 8 : 4;  // users; with two vectors each, all registers there are
  static_assert(kPanel % kColumns == 0 && kUsers % kTile == 0);

 public:
  WF_INLINE static int score_panel(const float* users, int count, int width, const float* panel, const float* floors,
                                   float* scores, int* reaching) {
    int found = 0;
    for (int first = 0; first < count; first += kUsers) {
      bool reached[kUsers]{};
      for (int user = 0; user < kUsers; user += kTile) {
        for (int column = 0; column < kPanel; column += kColumns) {
          score_tile(users + first * width + user, width, panel + column, floors + first + user,
                     scores + (first + user) * kPanel + column, reached + user);
        }
      }
      for (int user = 0; user < kUsers; ++user) {
        reaching[found] = first + user;
        found += reached[user] ? 1 : 0;
      }
    }
    return found;
  }

 private:
  WF_INLINE static void score_tile(const float* users, int width, const float* panel, const float* floors,
                                   float* scores, bool* reached) {
    Vector low[kTile]{}, high[kTile]{};
    for (int f = 0; f < width; ++f, users += kUsers, panel += kPanel) {
      const auto first = lanes::load<Vector>(panel);
      const auto second = lanes::load<Vector>(panel + kLanes);
      repeat<kTile>([&](auto u) WF_INLINE_LAMBDA {
        const auto factor = Ops::template all<Vector>(users + u);
        Ops::add_product(low[u], factor, first);
        Ops::add_product(high[u], factor, second);
      });
    }
    repeat<kTile>([&](auto u) WF_INLINE_LAMBDA {
      lanes::store(low[u], scores + u * kPanel);
      lanes::store(high[u], scores + u * kPanel + kLanes);
      reached[u] |= Reach::any(low[u], high[u], floors + u);
    });
  }
};

}  // namespace wf
