// What a report says, by hand: errors, calibration, popularity, the map of items, and the page as text.
#include "host/report/report.hpp"
#include "host/report/chart.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

namespace wf::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

HostBuffer<float> buffer_of(const std::vector<float>& values) {
  HostBuffer<float> buffer;
  for (const float value : values) buffer.push_back(value);
  return buffer;
}

struct ReportTriple {
  RowId user, item;
  float value;
};
Ratings ratings_of(const std::vector<ReportTriple>& triples) {
  Ratings ratings;
  for (const ReportTriple& triple : triples) ratings.push_back(triple.user, triple.item, triple.value);
  return ratings;
}

TEST(PredictionFacts, ErrorsOfModelAndBaselinesByHand) {
  const Ratings ratings = ratings_of({{0, 0, 4}, {0, 1, 2}, {9, 1, 5}});  // user 9 is not known
  TrainingFacts training;
  training.mean = 3;
  training.biases = BiasBaseline{3, buffer_of({0.5F}), buffer_of({0, -1})};
  const PredictionFacts facts = prediction_facts(ratings.view(), buffer_of({3, 2, 3}).span(), training);
  EXPECT_EQ(facts.n, 3);
  EXPECT_DOUBLE_EQ(facts.model.rmse, std::sqrt(5.0 / 3));  // 1, 0, 2
  EXPECT_DOUBLE_EQ(facts.model.mae, 1);
  EXPECT_DOUBLE_EQ(facts.mean->rmse, std::sqrt((1.0 + 1 + 4) / 3));
  EXPECT_DOUBLE_EQ(facts.biases->mae, (0.5 + 0.5 + 3) / 3);  // 3.5, 2.5, 2
  EXPECT_TRUE(facts.popularity.empty());
}

TEST(PredictionFacts, NothingIsKnownOfNoRatings) {
  const PredictionFacts facts = prediction_facts({}, {}, {});
  EXPECT_EQ(facts.n, 0);
  EXPECT_TRUE(facts.calibration.empty());
  EXPECT_FALSE(facts.mean);
}

TEST(PredictionFacts, TenthsOfThePredictionsKeepEqualOnesTogether) {
  std::vector<ReportTriple> triples;
  std::vector<float> predictions;
  for (int n = 0; n < 20; ++n) {  // five predictions are 1, the others 2, 3, ... 16
    triples.push_back({0, 0, static_cast<float>(n)});
    predictions.push_back(n < 5 ? 1.0F : static_cast<float>(n - 3));
  }
  const PredictionFacts facts =
      prediction_facts(ratings_of(triples).view(), buffer_of(predictions).span(), TrainingFacts{});
  std::vector<Position> counts;
  for (const CalibrationBin& bin : facts.calibration) counts.push_back(bin.count);
  EXPECT_THAT(counts, ElementsAre(5, 1, 1, 1, 2, 2, 2, 2, 2, 2));  // the second tenth begins behind its own end
  EXPECT_DOUBLE_EQ(facts.calibration[0].predicted, 1);
  EXPECT_DOUBLE_EQ(facts.calibration[0].actual, 2);
  EXPECT_DOUBLE_EQ(facts.calibration.back().predicted, 15.5);
  EXPECT_DOUBLE_EQ(facts.calibration.back().actual, 18.5);
}

TEST(PredictionFacts, ItemsAreGroupedByPowersOfTwoOfTheirRatings) {
  const Ratings ratings = ratings_of({{0, 0, 1}, {0, 1, 1}, {0, 2, 1}, {0, 3, 1}, {0, 9, 1}});
  TrainingFacts training;
  training.item_counts = HostBuffer<Position>(4, 0);
  training.item_counts[1] = 1;
  training.item_counts[2] = 2;
  training.item_counts[3] = 3;
  const PredictionFacts facts = prediction_facts(ratings.view(), buffer_of({2, 3, 4, 1, 2}).span(), training);
  ASSERT_EQ(facts.popularity.size(), 3U);
  EXPECT_EQ(facts.popularity[0].least, 0);  // item 0 and item 9, which is not known
  EXPECT_EQ(facts.popularity[0].count, 2);
  EXPECT_DOUBLE_EQ(facts.popularity[0].model.rmse, 1);
  EXPECT_EQ(facts.popularity[1].least, 1);
  EXPECT_DOUBLE_EQ(facts.popularity[1].model.mae, 2);
  EXPECT_EQ(facts.popularity[2].least, 2);  // with 2 and 3 ratings
  EXPECT_DOUBLE_EQ(facts.popularity[2].model.mae, 1.5);
  EXPECT_FALSE(facts.popularity[2].biases);
}

TEST(ItemMap, FindsTheDirectionsOfAPlantedPlane) {
  Model model = make_model(1, 4, 3, false);
  const float rows[4][3] = {{10, 1, 7}, {-10, 1, 7}, {0, 3, 7}, {0, -1, 7}};  // mean 0, 1, 7
  for (int item = 0; item < 4; ++item) std::copy_n(rows[item], 3, model.tables.item_factors.data() + 3 * item);
  const ItemMap map = map_items(model, {0, 1, 2, 3});
  ASSERT_EQ(map.points.size(), 4U);
  EXPECT_NEAR(map.shares[0], 200.0 / 208, 1e-12);
  EXPECT_NEAR(map.shares[1], 8.0 / 208, 1e-12);
  EXPECT_NEAR(std::fabs(map.points[0].x), 10, 1e-9);
  EXPECT_NEAR(map.points[0].x, -map.points[1].x, 1e-9);
  EXPECT_NEAR(std::fabs(map.points[2].y), 2, 1e-9);
  EXPECT_NEAR(map.points[2].x, 0, 1e-9);
}

TEST(ItemMap, TheFarthestItemIsOnThePositiveSide) {
  Model model = make_model(1, 3, 1, false);
  for (int item = 0; item < 3; ++item) model.tables.item_factors[item] = item == 0 ? -5.0F : 1.0F;
  const ItemMap map = map_items(model, {0, 1, 2});
  EXPECT_NEAR(map.points[0].x, 4, 1e-9);
  EXPECT_NEAR(map.points[1].x, -2, 1e-9);
  EXPECT_EQ(map.points[0].y, 0);  // there is one factor
}

TEST(ItemMap, OfNoItemsAndOfEqualOnes) {
  Model model = make_model(1, 2, 2, false);
  for (int n = 0; n < 4; ++n) model.tables.item_factors[n] = 3;
  EXPECT_TRUE(map_items(model, {}).points.empty());
  const ItemMap map = map_items(model, {0, 1});
  EXPECT_EQ(map.points[1].x, 0);
  EXPECT_EQ(map.shares[0], 0);
}

TEST(Chart, TicksAreRoundNumbers) {
  EXPECT_THAT(ticks_of({"", 0.5, 5}, 6), ElementsAre(1, 2, 3, 4, 5));
  EXPECT_THAT(ticks_of({"", 0, 1234}, 6), ElementsAre(0, 500, 1000));
  EXPECT_THAT(ticks_of({"", 1, 1500, true}, 6), ElementsAre(1, 10, 100, 1000));
  EXPECT_THAT(ticks_of({"", 2, 9, true}, 6), ElementsAre(2, 4, 8));
  EXPECT_EQ(short_number(-0.0), "0");
  for (const ChartAxis& axis : {ChartAxis{"", 1, 1 + 2e-16},
                                {"", 1e300, 1e308},
                                {"", -INFINITY, INFINITY},
                                {"", 0, 5e-324},
                                {"", NAN, 2},
                                {"", 0, 1e308, true}}) {
    const std::vector<double> ticks = ticks_of(axis, 6);
    EXPECT_LE(ticks.size(), 7U);
    for (const double tick : ticks) EXPECT_TRUE(std::isfinite(tick));
  }
}

TEST(Chart, AxesThatGoNowhereAreDrawn) {
  Chart chart("c", "t", {"x", 3, 3}, {"y", 0, NAN});
  chart.line("first", "one", {{3, 0.5}, {NAN, 1}, {3, INFINITY}});
  const std::string html = chart.html();
  EXPECT_THAT(html, HasSubstr("<path class=\"line first\""));
  EXPECT_THAT(html, Not(HasSubstr("nan")));
  EXPECT_THAT(html, Not(HasSubstr("inf")));
  EXPECT_THAT(Chart("c", "t", {"x"}, {"y"}).html(), HasSubstr("nothing to draw"));
}

TEST(Chart, LabelsDoNotLieOnEachOther) {
  Chart chart("c", "t", {"x", 0, 1}, {"y", 0, 1});
  EXPECT_TRUE(chart.label({0.5, 0.5}, "a title"));
  EXPECT_FALSE(chart.label({0.5, 0.51}, "another title"));
  EXPECT_TRUE(chart.label({0.5, 0.9}, "another title"));
  EXPECT_TRUE(chart.label({1, 0.1}, "to the left"));
}

TEST(Chart, ALabelIsAsWideAsItsCharacters) {
  Chart chart("c", "t", {"x", 0, 1}, {"y", 0, 1});
  const std::string six = "фильмы";  // 12 bytes
  EXPECT_TRUE(chart.label({0.4, 0.5}, six));
  EXPECT_TRUE(chart.label({0.5, 0.5}, "next")) << "45 further on; six letters take 34";
}

TEST(Report, IsOnePageThatLoadsNothingAndTakesTextsAsTexts) {
  Report report;
  report.title = "<script>alert('x')</script>";
  report.about = {{"model", "a & b"}};
  report.map.push_back({{0, 1, 2}, "\"Quoted\" <film>", 3});
  report.labelled = {0};
  report.why_not = "no <ratings>";
  const std::string html = report_html(report);
  EXPECT_THAT(html, HasSubstr("&lt;script&gt;alert(&#39;x&#39;)"));
  EXPECT_THAT(html, HasSubstr("a &amp; b"));
  EXPECT_THAT(html, HasSubstr("&quot;Quoted&quot; &lt;film&gt;</text>"));
  EXPECT_THAT(html, HasSubstr("no &lt;ratings&gt;"));
  for (const char* outside : {"<script", "http:", "https:", "src=", "href=", "url(", "@import"}) {
    EXPECT_THAT(html, Not(HasSubstr(outside)));
  }
  EXPECT_THAT(html, Not(HasSubstr("<h2>Training</h2>")));  // there are no epochs
}

}  // namespace
}  // namespace wf::test
