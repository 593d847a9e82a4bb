// SPDX-License-Identifier: Apache-2.0
#include "control/log.h"

#include "base/json_text.h"
#include "tests/control/temporary_folder.h"

#include <gtest/gtest.h>

#include <fstream>
#include <regex>
#include <sstream>

namespace gh::control {
namespace {

std::string read_text(const std::string& file) {
  std::ifstream in(file);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::string event_line(LogFormat format, LogLine line, LogLevel least = LogLevel::info) {
  testing::internal::CaptureStderr();
  auto writer = LogWriter::make(format, least, "");
  (*writer)->write(line);
  (*writer)->flush();
  return testing::internal::GetCapturedStderr();
}

TEST(Log, a_text_line_has_time_level_text_and_fields) {
  const std::string line = event_line(
      LogFormat::text, {LogLevel::warn, false, event_text("it rains", {{"mm", "3"}, {"at", "a b"}})}
  );
  EXPECT_TRUE(std::regex_match(
      line,
      std::regex(
          "\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z WARN it rains mm=3 at=\"a b\"\n"
      )
  )) << line;
}

TEST(Log, a_json_line_has_the_fields_apart) {
  const std::string line = event_line(
      LogFormat::json, {LogLevel::error, false, event_text("it \"rains\"", {{"at", "a\nb"}})}
  );
  EXPECT_NE(
      line.find("\"level\":\"ERROR\",\"msg\":\"it \\\"rains\\\"\",\"at\":\"a\\nb\"}\n"),
      std::string::npos
  ) << line;
}

TEST(Log, a_peers_control_bytes_make_no_second_line) {
  const std::string line =
      event_line(LogFormat::text, {LogLevel::info, false, "x\n2026 ERROR forged\x1b[31m"});
  EXPECT_EQ(std::count(line.begin(), line.end(), '\n'), 1);
  EXPECT_NE(line.find("x\\x0a2026 ERROR forged\\x1b[31m"), std::string::npos) << line;
}

TEST(Log, debugging_lines_are_left_out_unless_asked_for) {
  EXPECT_EQ(event_line(LogFormat::text, {LogLevel::debug, false, "d"}), "");
  EXPECT_NE(event_line(LogFormat::text, {LogLevel::debug, false, "d"}, LogLevel::debug), "");
}

TEST(Log, braces_and_percent_signs_are_only_text) {
  EXPECT_NE(
      event_line(LogFormat::text, {LogLevel::info, false, "{} {0} %s %n"}).find("{} {0} %s %n"),
      std::string::npos
  );
}

TEST(Log, fields_come_back_from_their_text) {
  const auto [text, fields] =
      split_event(event_text("a plain text", {{"k", "v"}, {"q", "a \"b\" \\ c"}, {"e", ""}}));
  EXPECT_EQ(text, "a plain text");
  using Pair = std::pair<std::string, std::string>;
  EXPECT_EQ(fields, (std::vector<Pair>{{"k", "v"}, {"q", "a \"b\" \\ c"}, {"e", ""}}));
  EXPECT_EQ(split_event("no fields here").first, "no fields here");
  EXPECT_EQ(split_event("").first, "");
  EXPECT_EQ(split_event("a=b").second.size(), 1u);
}

TEST(JsonText, what_is_not_utf8_is_replaced) {
  EXPECT_EQ(
      json_quoted("a\xff"
                  "b"),
      "\"a\\ufffdb\""
  );
  EXPECT_EQ(json_quoted("\xc0\xaf"), "\"\\ufffd\\ufffd\"");
  EXPECT_EQ(json_quoted("\xed\xa0\x80"), "\"\\ufffd\\ufffd\\ufffd\"");
  EXPECT_EQ(json_quoted("é€😀"), "\"é€😀\"");
  EXPECT_EQ(json_quoted("\x01\x7f"), "\"\\u0001\\u007f\"");
}

TEST(AccessLog, lines_go_to_the_file_as_they_are_and_a_moved_file_is_made_anew) {
  const TemporaryFolder folder;
  const std::string file = folder.at("logs/access.log");
  auto writer = LogWriter::make(LogFormat::text, LogLevel::info, file);
  ASSERT_TRUE(writer) << writer.error().to_string();
  (*writer)->write({LogLevel::info, true, "{\"n\":1}"});
  (*writer)->flush();
  std::filesystem::rename(file, folder.at("logs/access.log.1"));
  ASSERT_TRUE((*writer)->reopen());
  (*writer)->write({LogLevel::info, true, "{\"n\":2}"});
  (*writer)->flush();
  EXPECT_EQ(read_text(folder.at("logs/access.log.1")), "{\"n\":1}\n");
  EXPECT_EQ(read_text(file), "{\"n\":2}\n");
}

TEST(AccessLog, a_file_that_cannot_be_opened_is_a_fault) {
  const TemporaryFolder folder;
  EXPECT_FALSE(LogWriter::make(LogFormat::text, LogLevel::info, folder.path().string()));
}

TEST(LogThreadTest, all_queued_lines_are_written_before_the_end_and_drops_are_told) {
  const TemporaryFolder folder;
  const std::string file = folder.at("access.log");
  testing::internal::CaptureStderr();
  {
    LogQueue queue;
    for (std::size_t i = 0; i < limits::log_queue_lines + 10; ++i)
      queue.push({LogLevel::info, true, "x"});
    LogThread thread(std::move(*LogWriter::make(LogFormat::text, LogLevel::info, file)), {&queue});
  }
  const std::string text = read_text(file);
  EXPECT_EQ(
      static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n')), limits::log_queue_lines
  );
  EXPECT_NE(
      testing::internal::GetCapturedStderr().find("log lines dropped lines=10"), std::string::npos
  );
}

}  // namespace
}  // namespace gh::control
