// SPDX-License-Identifier: Apache-2.0
#include "control/file_watch.h"

#include "tests/control/temporary_folder.h"

#include <gtest/gtest.h>

#include <filesystem>

namespace gh::control {
namespace {

namespace fs = std::filesystem;

// Events are taken at instants of our own choice, so nothing here depends on real time.
class FileWatchTest : public testing::Test {
 protected:
  static constexpr Duration rest{100};
  static constexpr Duration rest_max{500};

  FileWatchTest() : watch_(std::move(*FileWatch::make(rest, rest_max))) {}

  void watch(std::vector<std::string> paths) {
    watch_->watch(std::move(paths));
    EXPECT_FALSE(due());
  }

  // Whether what happened since is a change.
  bool due() {
    watch_->on_events(now_);
    now_ = now_ + rest_max;
    return watch_->take_due(now_);
  }

  TemporaryFolder folder_;
  std::unique_ptr<FileWatch> watch_;
  Instant now_{1'000'000};
};

TEST_F(FileWatchTest, a_written_file_is_a_change) {
  const std::string file = folder_.write("a.yaml", "1");
  watch({file});
  folder_.write("a.yaml", "2");
  EXPECT_TRUE(due());
  EXPECT_FALSE(due());
}

TEST_F(FileWatchTest, an_atomic_rename_is_a_change_time_after_time) {
  watch({folder_.write("a.yaml", "1")});
  for (int i = 0; i < 3; ++i) {
    folder_.replace("a.yaml", std::to_string(i));
    EXPECT_TRUE(due()) << i;
  }
}

TEST_F(FileWatchTest, a_neighbour_of_a_watched_file_is_no_change) {
  watch({folder_.write("a.yaml", "1")});
  folder_.write("b.yaml", "2");
  EXPECT_FALSE(due());
}

TEST_F(FileWatchTest, every_file_of_a_watched_folder_counts_also_below_and_new_ones) {
  folder_.write("policy/a.yaml", "1");
  folder_.write("policy/below/b.yaml", "1");
  watch({folder_.at("policy")});
  folder_.write("policy/below/b.yaml", "2");
  EXPECT_TRUE(due());
  folder_.write("policy/fresh/c.yaml", "1");
  EXPECT_TRUE(due());
  folder_.write("policy/fresh/c.yaml", "2");
  EXPECT_TRUE(due());
  fs::remove(folder_.at("policy/a.yaml"));
  EXPECT_TRUE(due());
}

TEST_F(FileWatchTest, a_swap_of_kubernetes_data_link_is_a_change_time_after_time) {
  folder_.write("..1/a.yaml", "1");
  folder_.write("..2/a.yaml", "2");
  folder_.write("..3/a.yaml", "3");
  fs::create_directory_symlink("..1", folder_.at("..data"));
  fs::create_symlink("..data/a.yaml", folder_.at("a.yaml"));
  watch({folder_.at("a.yaml")});
  for (const char* next : {"..2", "..3"}) {
    fs::create_directory_symlink(next, folder_.at("..data_tmp"));
    fs::rename(folder_.at("..data_tmp"), folder_.at("..data"));
    EXPECT_TRUE(due()) << next;
  }
}

TEST_F(FileWatchTest, a_linked_file_is_watched_where_it_is) {
  folder_.write("real/a.yaml", "1");
  fs::create_directory(folder_.path() / "links");
  fs::create_symlink("../real/a.yaml", folder_.at("links/a.yaml"));
  watch({folder_.at("links/a.yaml")});
  folder_.write("real/a.yaml", "2");
  EXPECT_TRUE(due());
}

TEST_F(FileWatchTest, a_link_within_a_watched_folder_is_followed) {
  folder_.write("real/a.yaml", "1");
  fs::create_directory(folder_.path() / "policy");
  fs::create_symlink("../real/a.yaml", folder_.at("policy/a.yaml"));
  watch({folder_.at("policy")});
  folder_.write("real/a.yaml", "2");
  EXPECT_TRUE(due());
}

TEST_F(FileWatchTest, a_file_that_is_not_there_yet_is_waited_for) {
  watch({folder_.at("deep/er/a.yaml")});
  folder_.write("deep/er/a.yaml", "1");
  EXPECT_TRUE(due());
  folder_.write("deep/er/a.yaml", "2");
  EXPECT_TRUE(due());
}

TEST_F(FileWatchTest, a_watched_folder_replaced_whole_is_a_change) {
  folder_.write("policy/a.yaml", "1");
  folder_.write("next/a.yaml", "2");
  watch({folder_.at("policy")});
  fs::rename(folder_.at("policy"), folder_.at("old"));
  fs::rename(folder_.at("next"), folder_.at("policy"));
  EXPECT_TRUE(due());
  folder_.write("policy/a.yaml", "3");
  EXPECT_TRUE(due());
  folder_.write("old/a.yaml", "4");
  EXPECT_FALSE(due());
}

TEST_F(FileWatchTest, links_in_a_circle_end) {
  fs::create_symlink("b", folder_.at("a"));
  fs::create_symlink("a", folder_.at("b"));
  watch({folder_.at("a")});
}

TEST_F(FileWatchTest, a_burst_is_one_change_once_it_rests) {
  const std::string file = folder_.write("a.yaml", "1");
  watch({file});
  const Instant start = now_;
  folder_.write("a.yaml", "2");
  watch_->on_events(start);
  EXPECT_EQ(watch_->next_deadline(), start + rest);
  folder_.write("a.yaml", "3");
  watch_->on_events(start + Duration(90));
  EXPECT_FALSE(watch_->take_due(start + Duration(150)));
  EXPECT_EQ(watch_->next_deadline(), start + Duration(190));
  EXPECT_TRUE(watch_->take_due(start + Duration(190)));
  EXPECT_EQ(watch_->next_deadline(), Instant::never());
}

TEST_F(FileWatchTest, a_burst_that_never_rests_is_a_change_all_the_same) {
  const std::string file = folder_.write("a.yaml", "1");
  watch({file});
  const Instant start = now_;
  for (int at = 0; at < 500; at += 50) {
    folder_.write("a.yaml", std::to_string(at));
    watch_->on_events(start + Duration(at));
  }
  EXPECT_FALSE(watch_->take_due(start + Duration(499)));
  EXPECT_TRUE(watch_->take_due(start + Duration(500)));
}

}  // namespace
}  // namespace gh::control
