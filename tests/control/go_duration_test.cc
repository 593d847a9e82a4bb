// SPDX-License-Identifier: Apache-2.0
#include "control/go_duration.h"

#include <gtest/gtest.h>

namespace gh::control {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::nanoseconds;
using std::chrono::seconds;

TEST(GoDuration, what_go_takes_is_taken) {
  const std::pair<const char*, Duration> cases[] = {
      {"0", Duration(0)},
      {"30s", seconds(30)},
      {"1m30s", seconds(90)},
      {"500ms", milliseconds(500)},
      {"1.5h", minutes(90)},
      {".5s", milliseconds(500)},
      {"1.s", seconds(1)},
      {"+5s", seconds(5)},
      {"-1m", -minutes(1)},
      {"1h2m3s4ms5us6ns", hours(1) + minutes(2) + seconds(3) + milliseconds(4) + nanoseconds(5006)},
      {"7\u00b5s", nanoseconds(7000)},
      {"7\u03bcs", nanoseconds(7000)},
      {"0.3333333333333333333333h", nanoseconds(1'199'999'999'999)},
      {"2562047h47m16.854775807s", Duration(std::numeric_limits<std::int64_t>::max())},
  };
  for (const auto& [text, expected] : cases) {
    const auto parsed = parse_duration(text);
    ASSERT_TRUE(parsed) << text;
    EXPECT_EQ(parsed->count(), expected.count()) << text;
  }
}

TEST(GoDuration, what_go_refuses_is_refused) {
  for (const char* text :
       {"",
        "30",
        "s",
        "-",
        "+",
        ".",
        ".s",
        "1d",
        "1s2",
        "1 s",
        " 1s",
        "1s ",
        "--1s",
        "1e3s",
        "0x1s",
        "1,5s",
        "2562048h",
        "9223372036854775808ns",
        "99999999999999999999s",
        "-0x",
        "1S"}) {
    EXPECT_FALSE(parse_duration(text)) << text;
  }
}

TEST(GoDuration, is_written_as_go_writes_it) {
  const std::pair<Duration, const char*> cases[] = {
      {Duration(0), "0s"},
      {seconds(30), "30s"},
      {seconds(90), "1m30s"},
      {hours(12), "12h0m0s"},
      {milliseconds(500), "500ms"},
      {milliseconds(1500), "1.5s"},
      {nanoseconds(1500), "1.5\u00b5s"},
      {nanoseconds(7), "7ns"},
      {-seconds(1), "-1s"},
      {minutes(3), "3m0s"},
  };
  for (const auto& [duration, text] : cases) EXPECT_EQ(format_duration(duration), text);
}

}  // namespace
}  // namespace gh::control
