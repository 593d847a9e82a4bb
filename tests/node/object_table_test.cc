// SPDX-License-Identifier: Apache-2.0
#include "authz/node/object_table.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace gh::authz::node {
namespace {

TEST(NodeObjectTable, names_live_as_long_as_they_are_held) {
  ObjectTable table(7);
  const Key key{Kind::secret, "ns", "s"};
  const Id id = table.hold(key);
  EXPECT_EQ(table.hold(key), id);
  table.release(id);
  EXPECT_EQ(table.find(key), id);
  table.release(id);
  EXPECT_EQ(table.find(key), no_id);
  EXPECT_EQ(table.size(), 0u);
}

TEST(NodeObjectTable, namespace_and_name_do_not_run_into_each_other) {
  ObjectTable table(7);
  const Id one = table.hold({Kind::secret, "ab", "c"});
  EXPECT_EQ(table.find({Kind::secret, "a", "bc"}), no_id);
  EXPECT_EQ(table.find({Kind::config_map, "ab", "c"}), no_id);
  EXPECT_NE(table.hold({Kind::secret, "a", "bc"}), one);
}

TEST(NodeObjectTable, random_holds_and_releases_agree_with_a_map) {
  std::mt19937 random(3);
  ObjectTable table(random());
  std::map<std::string, std::vector<Id>> held;
  for (int i = 0; i < 20'000; ++i) {
    const std::string name = std::to_string(random() % 300);
    const Key key{Kind::pod, "ns", name};
    auto& ids = held[name];
    if (random() % 2 == 0 && !ids.empty()) {
      table.release(ids.back());
      ids.pop_back();
    } else if (ids.size() < 3) {
      ids.push_back(table.hold(key));
    }
    ASSERT_EQ(table.find(key) == no_id, ids.empty());
    if (ids.empty()) continue;
    ASSERT_EQ(table.key(ids.back()).name, name);
  }
}

TEST(NodeCountTable, random_additions_and_subtractions_agree_with_a_map) {
  std::mt19937 random(4);
  CountTable table;
  std::map<Id, int> counts;
  for (int i = 0; i < 50'000; ++i) {
    const auto id = static_cast<Id>(random() % 500 * 64);
    if (random() % 2 == 0 && counts.contains(id)) {
      const bool gone = --counts[id] == 0;
      ASSERT_EQ(table.sub(id), gone);
      if (gone) counts.erase(id);
    } else {
      ASSERT_EQ(table.add(id), ++counts[id] == 1);
    }
    ASSERT_EQ(table.size(), counts.size());
  }
  std::size_t seen = 0;
  table.each([&](Id id) { seen += counts.contains(id); });
  EXPECT_EQ(seen, counts.size());
}

}  // namespace
}  // namespace gh::authz::node
