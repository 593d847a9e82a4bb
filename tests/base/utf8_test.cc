// SPDX-License-Identifier: Apache-2.0
#include "base/utf8.h"

#include <gtest/gtest.h>

namespace gh {
namespace {

TEST(Utf8, every_code_point_is_read_back_as_it_was_written) {
  for (std::uint32_t value = 0; value <= 0x10ffff; ++value) {
    if (value >= 0xd800 && value <= 0xdfff) continue;
    std::string text;
    append_rune(text, value);
    const Rune rune = rune_at(text, 0);
    ASSERT_TRUE(rune.valid) << value;
    ASSERT_EQ(rune.value, value);
    ASSERT_EQ(rune.bytes, text.size());
  }
}

TEST(Utf8, what_is_not_utf8_is_one_bad_byte) {
  for (const std::string_view text : {
           // overlong
           std::string_view("\x80"),
           std::string_view("\xbf"),
           std::string_view("\xc0\x80"),
           std::string_view("\xc1\xbf"),
           // overlong
           std::string_view("\xe0\x9f\xbf"),
           std::string_view("\xf0\x8f\xbf\xbf"),
           // surrogates
           std::string_view("\xed\xa0\x80"),
           std::string_view("\xed\xbf\xbf"),
           // above
           std::string_view("\xf4\x90\x80\x80"),
           std::string_view("\xf5\x80\x80\x80"),
           std::string_view("\xff"),
           // cut short
           std::string_view("\xc3"),
           std::string_view("\xe2\x80"),
           std::string_view("\xf0\x9f\x98"),
           // interrupted
           std::string_view("\xc3("),
           std::string_view("\xe2\x80("),
           std::string_view("\xf0\x9f\x98("),
       }) {
    const Rune rune = rune_at(text, 0);
    EXPECT_FALSE(rune.valid) << testing::PrintToString(text);
    EXPECT_EQ(rune.bytes, 1u);
    EXPECT_EQ(rune.value, 0xfffdu);
  }
}

}  // namespace
}  // namespace gh
